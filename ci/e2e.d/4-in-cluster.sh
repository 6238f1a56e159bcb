# shellcheck shell=bash
# The harness as a Job in the cluster, from the CronJob of ci/in-cluster, installed by Kustomize and by Helm, with a ServiceAccount that may do
# what the experiments need.

target
"$HERE/load" "$("$top/ci/image/build" aftershock)" 2>/dev/null
"$top/ci/helm"
helm=$top/.build/helm/helm
for namespace in aftershock e2e-chart; do make_namespace $namespace; done

# A user's copy of the folder, with his experiments and their roles.
folder=$work/in-cluster
cp -r "$top/ci/in-cluster" "$folder"
cp "$(experiment pod-delete)" "$(experiment node-drain)" "$folder/experiments/"
"$aftershock" rbac "$folder/experiments" >"$folder/rbac.yaml"
sed -i 's#experiments/pod-delete.yaml#&, experiments/node-drain.yaml#' "$folder/kustomization.yaml"

# Suspended: its time may come while the suites run.
kubectl kustomize "$folder" | sed -E 's#^apiVersion: batch/v1$#apiVersion: batch/v1beta1#; s#^( *)schedule:.*#&\n\1suspend: true#' >"$work/kustomized.yaml"
check "kustomize: the base is applied" kubectl apply -f "$work/kustomized.yaml"

# job NAMESPACE CRONJOB EXPERIMENT [JQ-FILTER]: runs the CronJob's pod once, now, with that experiment, and waits for its end; $log is what it printed.
job() {
    kubectl get cronjob -n "$1" "$2" -o json | jq --arg name "$3" --arg namespace "$1" \
        '{apiVersion: "batch/v1", kind: "Job", metadata: {name: $name, namespace: $namespace}, spec: .spec.jobTemplate.spec} |
         .spec.template.spec.containers[0].args[1] = "/experiments/\($name).yaml" | '"${4:-.}" | kubectl apply -f - >/dev/null
    finished() { kubectl get job -n "$1" "$2" -o json | jq -e '.status | .succeeded == 1 or .failed == 1'; }
    check "$3: the Job ends" eventually 300 finished "$1" "$3"
    log=$work/$3.log
    kubectl logs -n "$1" "job/$3" >"$log" 2>&1
}
exit_code() { kubectl get pods -n "$1" -l "job-name=$2" -o jsonpath='{.items[0].status.containerStatuses[0].state.terminated.exitCode}'; }

job aftershock aftershock pod-delete
check "pod-delete: the run passes" [ "$(exit_code aftershock pod-delete)" = 0 ]
volume=$(kubectl get persistentvolumeclaim -n aftershock reports -o jsonpath='{.spec.volumeName}')
report=$(echo "$STATE/volumes/$volume"/pod-delete-*)
check "pod-delete: its reports are on its volume" result '.exitCode == 0 and .experiments[0].verdict == "pass"'

check "helm: the chart is installed" "$helm" install nightly "$folder" --namespace e2e-chart --set suspend=true
rules() { kubectl get "$1" "$2" -n e2e-sql -o json | jq -S .rules; }
for kind in role clusterrole; do
    check "helm: its $kind is that of Kustomize" diff <(rules $kind aftershock) <(rules $kind nightly)
done
settles
node=$(kubectl get pods -n e2e-sql -o jsonpath='{.items[0].spec.nodeName}')
job e2e-chart nightly node-drain ".spec.template.spec.nodeName = \"$node\""
check "own-node: it refuses to drain the node that it runs on" [ "$(exit_code e2e-chart node-drain)" = 5 ]
check "own-node: it says why" grep -q "this harness runs on $node" "$log"
check "own-node: the node was not touched" [ "$(kubectl get node "$node" -o jsonpath='{.spec.unschedulable}')" = "" ]
check "helm: the release is removed" "$helm" uninstall nightly --namespace e2e-chart
check "helm: and leaves no role" [ -z "$(kubectl get clusterrole,clusterrolebinding nightly -o name --ignore-not-found)" ]
kubectl delete -f "$work/kustomized.yaml" --wait=false >/dev/null
