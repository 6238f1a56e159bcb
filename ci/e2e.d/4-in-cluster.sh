# shellcheck shell=bash
# The harness as a Job in the cluster, from the CronJob's manifest, with a ServiceAccount that may do what the experiments need.

target
"$HERE/load" "$("$top/ci/image/build" aftershock)" 2>/dev/null
files=("$(experiment pod-delete)" "$(experiment node-drain)")
make_namespace aftershock
"$aftershock" rbac "${files[@]}" | kubectl apply -f - >/dev/null
# Suspended: its time may come while the suites run.
sed -E 's#^apiVersion: batch/v1$#apiVersion: batch/v1beta1#; s#^( *)schedule:.*#&\n\1suspend: true#' "$top/ci/in-cluster/cronjob.yaml" | kubectl apply -f - >/dev/null

# job NAME FILE [JQ-FILTER]: runs the CronJob's pod once, now, with that experiment, and waits for its end; $log is what it printed.
job() {
    kubectl create configmap experiments -n aftershock --from-file="$2" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
    kubectl get cronjob -n aftershock aftershock -o json | jq --arg name "$1" \
        '{apiVersion: "batch/v1", kind: "Job", metadata: {name: $name, namespace: "aftershock"}, spec: .spec.jobTemplate.spec} | '"${3:-.}" |
        kubectl apply -f - >/dev/null
    finished() { kubectl get job -n aftershock "$1" -o json | jq -e '.status | .succeeded == 1 or .failed == 1'; }
    check "$1: the Job ends" eventually 300 finished "$1"
    log=$work/$1.log
    kubectl logs -n aftershock "job/$1" >"$log" 2>&1
}
exit_code() { kubectl get pods -n aftershock -l "job-name=$1" -o jsonpath='{.items[0].status.containerStatuses[0].state.terminated.exitCode}'; }

job pod-delete "${files[0]}"
check "pod-delete: the run passes" [ "$(exit_code pod-delete)" = 0 ]
volume=$(kubectl get persistentvolumeclaim -n aftershock reports -o jsonpath='{.spec.volumeName}')
report=$(echo "$STATE/volumes/$volume"/pod-delete-*)
check "pod-delete: its reports are on its volume" result '.exitCode == 0 and .experiments[0].verdict == "pass"'

settles
node=$(kubectl get pods -n e2e-sql -o jsonpath='{.items[0].spec.nodeName}')
job own-node "${files[1]}" ".spec.template.spec.nodeName = \"$node\""
check "own-node: it refuses to drain the node that it runs on" [ "$(exit_code own-node)" = 5 ]
check "own-node: it says why" grep -q "this harness runs on $node" "$log"
check "own-node: the node was not touched" [ "$(kubectl get node "$node" -o jsonpath='{.spec.unschedulable}')" = "" ]
