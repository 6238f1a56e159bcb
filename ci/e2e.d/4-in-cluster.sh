# shellcheck shell=bash
# The harness as a Job in the cluster, from the CronJob's manifest, with a ServiceAccount that may do what the experiments need.

deploy azure-sql-edge
kubectl rollout status -n e2e-sql deployment/azure-sql-edge --timeout=120s >/dev/null
"$HERE/load" "$("$top/ci/image/build" aftershock)" 2>/dev/null
file=$(experiment pod-delete)
make_namespace aftershock
"$aftershock" rbac "$file" | kubectl apply -f - >/dev/null
kubectl create configmap experiments -n aftershock --from-file="$file" >/dev/null
sed 's#^apiVersion: batch/v1$#apiVersion: batch/v1beta1#' "$top/ci/in-cluster/cronjob.yaml" | kubectl apply -f - >/dev/null
kubectl get cronjob -n aftershock aftershock -o json |
    jq '{apiVersion: "batch/v1", kind: "Job", metadata: {name: "now", namespace: "aftershock"}, spec: .spec.jobTemplate.spec}' |
    kubectl apply -f - >/dev/null

finished() { kubectl get job -n aftershock now -o json | jq -e '.status | .succeeded == 1 or .failed == 1'; }
check "the Job ends" eventually 300 finished
succeeded() {
    kubectl logs -n aftershock job/now
    kubectl get job -n aftershock now -o json | jq -e '.status.succeeded == 1' >/dev/null
}
check "its run passes" succeeded
volume=$(kubectl get persistentvolumeclaim -n aftershock reports -o jsonpath='{.spec.volumeName}')
report=$(echo "$STATE/volumes/$volume"/now-*)
check "its reports are on its volume" result '.exitCode == 0 and .experiments[0].verdict == "pass"'
