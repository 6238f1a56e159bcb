# shellcheck shell=bash
# The harness is killed at some steps of some faults; Tests/StopTests does it at all of them.

k() { kubectl --namespace e2e-sql "$@"; }

target

# state: what the cluster is made of, without what changes by itself and what replaced pods differ in.
state() {
    kubectl get nodes -o json | jq -S '[.items[] | {name: .metadata.name, labels: .metadata.labels, annotations: .metadata.annotations, spec}]'
    k get pods -o json | jq -S '[.items[] | {labels: .metadata.labels, annotations: .metadata.annotations, finalizers: .metadata.finalizers, owner: .metadata.ownerReferences[0].name}]'
    k get deployments,services,secrets,persistentvolumeclaims,leases,poddisruptionbudgets -o json |
        jq -S '[.items[] | {kind, name: .metadata.name, labels: .metadata.labels, annotations: (.metadata.annotations // {} | del(.["deployment.kubernetes.io/revision"])), spec}]'
}
# killed_at JQ-CONDITION FILE: runs the experiment and kills it when the journal has such a record.
killed_at() {
    local pid deadline=$((SECONDS + 90))
    report=$reports/killed-$(basename "$2" .yaml)
    "$aftershock" run --reports "$report" --confirm-context aftershock-cluster --helper-image localhost/sandbox-sql:dev "$2" 2>"$work/killed.log" >&2 &
    pid=$!
    until [ -r "$report/journal.ndjson" ] && jq -e "select($1)" "$report/journal.ndjson" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] && kill -0 $pid || { tail -5 "$work/killed.log" && return 1; }
        sleep 0.05
    done
    kill -9 $pid
    wait $pid 2>/dev/null
    [ $? = 137 ]
}
# put_back: the report is that of a run which did not pass; restore exits 0, and a second one finds nothing.
put_back() {
    [ "$(xmllint --xpath 'sum(//testsuite/@failures) + sum(//testsuite/@errors)' "$report/junit.xml")" -gt 0 ] &&
        "$aftershock" restore --run "$report" && "$aftershock" restore --run "$report" | grep -q '^nothing is left'
}
same_state() { eventually 60 settled && diff "$work/state" <(state); }
eventually 60 settled >/dev/null
state >"$work/state"
for sample in \
    'node-drain .event=="faultInjected"' 'container-kill .event=="undoIntent"' 'node-taint .event=="faultEffect"' \
    'process-freeze .event=="faultInjected"' 'node-drain-2 .event=="stageEntered"and.stage=="recovering"'; do
    kind=${sample%% *}
    short='s#steadyFor: .*#steadyFor: 2s#; s#stableFor: .*#stableFor: 2s#'
    check "$kind: killed at ${sample#* }" killed_at "${sample#* }" "$(with "$(experiment "${kind%-2}")" "$short" "killed-$kind")"
    check "$kind: a report that does not pass, and restore" put_back
    check "$kind: the cluster is as before" same_state
done
