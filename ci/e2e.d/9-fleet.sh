# shellcheck shell=bash
# A fleet: a Job for each of twelve targets, in this one cluster, and a worker that is powered off while they run. Each has a kubeconfig of
# its own, which may do what its experiment needs. Kubernetes 1.20 has no Indexed Jobs with a backoff limit for each index: these are `--to jobs`.
# Needs AFTERSHOCK_E2E_FLEET=yes: it takes three minutes, which CI has not.

if [ "${AFTERSHOCK_E2E_FLEET:-}" != yes ]; then
    echo "left out: set AFTERSHOCK_E2E_FLEET=yes"
    return
fi
count=12 begun=$SECONDS
stores=$(seq -f 'store-%02g' $count)
"$HERE/load" "$("$top/ci/image/build" aftershock "$aftershock")" 2>/dev/null
"$HERE/load" "$("$top/ci/image/build" sandbox-sql)" 2>/dev/null
for namespace in e2e-fleet $stores; do make_namespace "$namespace"; done

fleet=$work/fleet
mkdir -p "$fleet"
server=$(kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.server}')
authority=$(kubectl config view --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}')
for store in $stores; do
    sed -E 's#(image: *).*azure-sql-edge:latest#\1localhost/sandbox-sql:dev#; s#^( *(name|namespace): )sql( |$)#\1'"$store"'\3#; s#type: LoadBalancer#type: ClusterIP#' \
        "$top/experiments/targets/azure-sql-edge.yaml" | kubectl apply -f - >/dev/null 2>&1
    # Many runs on a small machine: gentle.
    sed -E "s#^( *name:) pod-delete#\1 $store#; s#^( *namespace:).*#\1 $store#; s#^  probes:.*#  probes: {connect: {interval: 250ms}, session: {interval: 250ms}, login: {interval: 1s}}\n  ledger: {writers: 1, interval: 250ms, seedRows: 100}#; s#max: 90s#max: 2m#" \
        "$top/experiments/pod-delete.yaml" >"$fleet/$store.yaml"
    "$aftershock" rbac "$fleet/$store.yaml" --service-account "$store" --namespace e2e-fleet | kubectl apply -f - >/dev/null
    account() { kubectl get serviceaccount -n e2e-fleet "$store" -o json | jq -er '.secrets[0].name'; }
    eventually 30 account >/dev/null
    token=$(kubectl get secret -n e2e-fleet "$(account)" -o json | jq -r '.data.token | @base64d')
    kubectl create secret generic "$store" -n e2e-fleet --from-file=kubeconfig=/dev/stdin >/dev/null <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: $store, cluster: {server: "$server", certificate-authority-data: $authority}}]
users: [{name: $store, user: {token: $token}}]
contexts: [{name: $store, context: {cluster: $store, user: $store}}]
current-context: $store
CONFIG
done
{
    printf 'apiVersion: aftershock/v1\nkind: Fleet\nmetadata: {name: stores}\nspec:\n  namespace: e2e-fleet\n  stopAfter: %d\n  parallel: %d\n  waves: [{name: all}]\n  clusters:\n' $count $count
    for store in $stores; do printf '    - {name: %s, labels: {store: "%s"}, kubeconfig: {secret: {name: %s}}}\n' "$store" "$store" "$store"; done
    printf '  experiments:\n'
    for store in $stores; do printf '    - {files: [%s.yaml], clusters: {store: "%s"}}\n' "$store" "$store"; done
} >"$fleet/fleet.yaml"
kubectl apply -n e2e-fleet -f - >/dev/null <<'YAML'
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: reports}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
YAML
ready() { for store in $stores; do kubectl rollout status -n "$store" deployment/azure-sql-edge --timeout=120s || return 1; done; }
check "fleet: twelve targets are ready" ready

"$aftershock" fleet "$fleet/fleet.yaml" --to jobs >"$work/jobs.yaml"
check "fleet: the Jobs are taken" kubectl apply -f "$work/jobs.yaml"
volume=$(kubectl get persistentvolumeclaim -n e2e-fleet reports -o jsonpath='{.spec.volumeName}')
shared=$STATE/volumes/$volume
# In the middle: every run has a journal, and some have injected.
started() { [ "$(ls "$shared"/store-*/1/journal.ndjson | wc -l)" = $count ] && grep -lq '"stage":"injecting"' "$shared"/store-*/1/journal.ndjson; }
check "fleet: twelve runs have begun" eventually 120 started
node=$(kubectl get pods -n e2e-fleet -o json | jq -r '[.items[] | select(.status.phase == "Running") | .spec.nodeName] | group_by(.) | max_by(length)[0]')
number=${node##*[!0-9]}
on_it=$(kubectl get pods -n e2e-fleet -o json | jq --arg node "$node" '[.items[] | select(.status.phase == "Running" and .spec.nodeName == $node)] | length')
check "fleet: a worker with $on_it of the runs loses its power" "$HERE/node" poweroff "$number"
sleep 20 # longer than Kubernetes takes to notice it and to evict its pods
check "fleet: and gets it again" "$HERE/node" start "$number"

ended() { kubectl get jobs -n e2e-fleet -o json | jq -e --argjson count $count '[.items[] | select(any(.status.conditions[]?; .status == "True"))] | length == $count'; }
check "fleet: twelve Jobs end" eventually 300 ended
again=$(ls -d "$shared"/store-*/2 2>/dev/null | wc -l)
check "fleet: runs that were on the worker were started again" [ "$again" -gt 0 ]
report=$work/merged log=$work/merge.log
code=0
"$aftershock" report merge "$shared" --to "$report/all" >"$log" 2>&1 || code=$?
jq '{experiments: [.runs[].results.experiments[]]}' "$report/all/results.json" >"$report/results.json"
echo "merged: exit code $code; $on_it of $count runs lost their node, $again were started again; $((SECONDS - begun)) s;" \
    "$(jq -c '.experiments | map(.verdict) | group_by(.) | map({(.[0]): length}) | add' "$report/results.json")"
# A run that is started again while its target is down as well, with its old pod on the dead worker, is refused by the preflight.
check "fleet: no promise is broken, and every run that kept its node passes" result \
    "[.experiments[].verdict] | all(IN(\"pass\", \"invalid\")) and (map(select(. == \"pass\")) | length) >= $((count - on_it))"
check "fleet: the exit code is that of the worst" [ $code = "$(jq '[.runs[].results.exitCode] | if any(. == 4) then 4 else max end' "$report/all/results.json")" ]
check "fleet: every target is in the merged report, once" result "[.experiments[].name] | sort == (\"$(echo $stores)\" | split(\" \"))"
check "fleet: no acknowledged row is lost, none is there twice" each_repeat '.ledger | (.acknowledged // 0) > 0 and .lost == 0 and .duplicate == 0 and .corrupt == 0'
check "fleet: everything is restored" each_repeat '.restore.complete'
check "fleet: no Lease is left" [ -z "$(for store in $stores; do kubectl get leases -n "$store" -o name; done)" ]
healthy() { for store in $stores; do kubectl get deployment -n "$store" azure-sql-edge -o json | jq -e '.status.readyReplicas == 1' || return 1; done; }
check "fleet: every target is ready" eventually 60 healthy
for namespace in e2e-fleet $stores; do kubectl delete namespace "$namespace" --wait=false >/dev/null; done
