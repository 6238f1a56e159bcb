# shellcheck shell=bash
# Drains that other tools stumble over: bare pods, pods without volumes, DaemonSets, budgets, time, an administrator's cordon.

k() { kubectl --namespace e2e-sql "$@"; }

target

# drain NAME SPEC: runs a drain of the target's node.
drain() { run_experiments "$1" "$(with "$(experiment node-drain)" "s#nodeDrain: .*#nodeDrain: {$2}}#" "$1")"; }
schedulable() { kubectl get node "$1" -o json | jq -e '(.spec.unschedulable | not) and (.metadata.annotations["aftershock/undo"] | not)'; }
says() { result "[.. | strings] | any(test(\"$1\"))"; }

settles
node=$(target_node)
k apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec:
  nodeName: $node
  automountServiceAccountToken: false # a pod without volumes
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: "localhost/busybox:1", command: [sleep, "3600"]}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: sleep, image: "localhost/busybox:1", command: [sleep, "3600"]}]
YAML
k rollout status daemonset/agent --timeout=60s >/dev/null
k wait --for=condition=Ready pod/bare --timeout=60s >/dev/null
drain bare 'timeout: 1m'
check "a bare pod: refused before anything is touched, and named" [ $status = 5 ]
check "a bare pod: the reason" says 'e2e-sql/bare'
check "a bare pod: nothing was changed" schedulable "$node"
agent=$(k get pods -l app=agent --field-selector "spec.nodeName=$node" -o jsonpath='{.items[0].metadata.uid}')
# A drain may take a minute longer than its pods: a kubelet looks for the remains of a container once a minute.
drain forced 'timeout: 3m, force: true'
check "a bare pod without volumes, by force: passes" [ $status = 0 ]
gone() { ! k get pod bare; }
check "a bare pod, by force: it is gone" gone
check "a DaemonSet's pod stays" [ "$(k get pods -l app=agent --field-selector "spec.nodeName=$node" -o jsonpath='{.items[0].metadata.uid}')" = "$agent" ]
check "the node is schedulable again" schedulable "$node"
k delete daemonset agent --timeout=60s >/dev/null
# Its pods go a little later, and are in the way of a drain until then.
no_agent() { [ -z "$(k get pods -l app=agent -o name)" ]; }
eventually 120 no_agent >/dev/null

settles
# budget NAME APP: allows no eviction of the last pod with the label. Kubernetes before 1.21 has no policy/v1, after 1.25 no policy/v1beta1.
budget() {
    local version
    version=$(kubectl api-versions | sed -n '/^policy\//p')
    k apply -f - >/dev/null <<YAML
apiVersion: ${version%%$'\n'*}
kind: PodDisruptionBudget
metadata: {name: $1}
spec: {minAvailable: 1, selector: {matchLabels: {app: $2}}}
YAML
    eventually 30 has_status "$1" >/dev/null
}
has_status() { k get poddisruptionbudget "$1" -o json | jq -e '.status.expectedPods >= 1 and .status.observedGeneration == .metadata.generation'; }
budget never azure-sql-edge
drain never 'timeout: 1m'
check "a budget that never allows an eviction: refused before anything is touched" [ $status = 5 ]
check "a budget that never allows an eviction: named" says 'PodDisruptionBudget never'
k delete poddisruptionbudget never >/dev/null

# The budget keeps one pod. One of the two is never ready, so that the other may not be evicted.
node=$(target_node)
for name in ready unready; do
    where='{kubernetes.io/hostname: '$node'}' port=8080
    [ $name = ready ] || where='{}' port=1
    k apply -f - >/dev/null <<YAML
apiVersion: apps/v1
kind: Deployment
metadata: {name: $name}
spec:
  selector: {matchLabels: {app: held, name: $name}}
  template:
    metadata: {labels: {app: held, name: $name}}
    spec:
      terminationGracePeriodSeconds: 0
      nodeSelector: $where
      containers:
      - {name: httpd, image: "localhost/busybox:1", command: [httpd, -f, -p, "8080"], readinessProbe: {tcpSocket: {port: $port}, periodSeconds: 1}}
YAML
done
k rollout status deployment/ready --timeout=60s >/dev/null
budget held held
drain held 'timeout: 12s'
check "a drain that times out: could not tell" [ $status = 4 ]
check "a drain that times out: the budget that answered 429 is named" says 'PodDisruptionBudget held'
check "a drain that times out: the cordon and the tables are restored" each_repeat '.restore.complete and ([.restore.undone[].summary | split(" ")[0]] == ["remove", "uncordon"])'
check "a drain that times out: the node is schedulable again" schedulable "$node"
k delete poddisruptionbudget/held deployment/ready deployment/unready --timeout=60s >/dev/null

settles
node=$(target_node)
kubectl cordon "$node" >/dev/null
drain cordoned 'timeout: 3m'
check "an administrator's cordon: the drain passes" [ $status = 0 ]
check "an administrator's cordon stays" [ "$(kubectl get node "$node" -o jsonpath='{.spec.unschedulable}')" = true ]
kubectl uncordon "$node" >/dev/null
