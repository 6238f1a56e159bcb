# shellcheck shell=bash
# The harness is killed, and told to stop, at some steps of some faults; Tests/EndToEnd/StopTests does it at all of them.

k() { kubectl --namespace e2e-sql "$@"; }

# shellcheck disable=SC2046 # names without spaces
install_packages $(client_packages)
target

# databases: lists the databases of the server with another client. The run's own one, with the ledger's tables, must not be among them.
databases() {
    local address password
    address=$(k get service azure-sql-edge -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
    password=$(k get secret mssql -o json | jq -r '.data.MSSQL_SA_PASSWORD | @base64d')
    printf 'SELECT name FROM sys.databases ORDER BY name\ngo\n' | TDSVER=7.4 tsql -H "$address" -p 1433 -U sa -P "$password" -o fhq
}
# state: prints the objects of the cluster without the fields that change by themselves or with each new pod.
state() {
    kubectl get nodes -o json | jq -S '[.items[] | {name: .metadata.name, labels: .metadata.labels, annotations: .metadata.annotations, spec}]'
    k get pods -o json | jq -S '[.items[] | {labels: .metadata.labels, annotations: .metadata.annotations, finalizers: .metadata.finalizers, owner: .metadata.ownerReferences[0].name}]'
    k get deployments,services,secrets,persistentvolumeclaims,leases,poddisruptionbudgets -o json |
        jq -S '[.items[] | {kind, name: .metadata.name, labels: .metadata.labels, annotations: (.metadata.annotations // {} | del(.["deployment.kubernetes.io/revision"])), spec}]'
    databases
}
# struck SIGNAL CODE PATTERN FILE: runs the experiment, with its reports to $report, and sends it SIGNAL as soon as the journal has a record that
# matches; it has to end with CODE. There is a second repeat, so that the run goes on long after every record of the first.
struck() {
    local pid
    "$aftershock" run --reports "$report" --confirm-context aftershock-cluster --repeat 2 --helper-image localhost/sandbox-sql:dev "$4" \
        >"$log" 2>&1 &
    pid=$!
    recorded "$report/journal.ndjson" "$3" --pid=$pid && kill -"$1" $pid
    wait $pid 2>/dev/null
    [ $? = "$2" ]
}
# A file that says that the run goes on has skipped testcases only: that is no pass either.
does_not_pass() {
    local passed='sum(//testsuite/@tests) - sum(//testsuite/@skipped) - sum(//testsuite/@failures) - sum(//testsuite/@errors)'
    [ "$(xmllint --xpath "number(sum(//testsuite/@failures) + sum(//testsuite/@errors) > 0 or $passed = 0)" "$report/junit.xml")" = 1 ]
}
nothing_is_left() { "$aftershock" restore --run "$report" | grep '^nothing is left'; }
# put_back: the report is that of a run which did not pass; restore exits 0, and a second one finds nothing.
put_back() { does_not_pass && "$aftershock" restore --run "$report" && nothing_is_left; }
# stopped: the same, without a restore.
stopped() { does_not_pass && nothing_is_left; }
same_state() { eventually 180 settled && diff "$work/state" <(state); }
settles
state >"$work/state"
check "the databases of a server that nobody has used" [ "$(databases | xargs)" = "master model msdb tempdb" ]
short='s#steadyFor: .*#steadyFor: 2s#; s#stableFor: .*#stableFor: 2s#'
for sample in node-drain:faultInjected container-kill:undoIntent node-taint:faultEffect process-freeze:faultInjected node-drain:undoResult; do
    kind=${sample%:*} name=killed-${sample/:/-}
    report_to "$name"
    check "$kind: killed at ${sample#*:}" struck KILL 137 "\"event\":\"${sample#*:}\"" "$(with "$(experiment "$kind")" "$short" "${name,,}")"
    check "$kind: a report that does not pass, and restore" put_back
    check "$kind: the cluster is as before" same_state
done
for sample in node-drain:INT:130 process-freeze:TERM:143; do
    IFS=: read -r kind signal code <<<"$sample"
    report_to "$kind-$signal"
    check "$kind: SIG$signal" struck "$signal" "$code" '"event":"faultInjected"' "$(with "$(experiment "$kind")" "$short" "$kind-${signal,,}")"
    check "$kind: a report that does not pass, and nothing left to restore" stopped
    check "$kind: the cluster is as before" same_state
done
