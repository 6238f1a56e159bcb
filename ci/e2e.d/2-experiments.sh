# shellcheck shell=bash
# The experiments of the library against each target: the faults of a process and of a pod, with all that the promise says.

repeats=${AFTERSHOCK_E2E_REPEATS:-5}
for target in azure-sql-edge:deployment/azure-sql-edge mssql-statefulset:statefulset/mssql; do
    workload=${target#*:}
    service=${workload#*/} kind=${workload%%/*}
    deploy "${target%%:*}"
    check "$kind: it becomes ready" kubectl rollout status -n e2e-sql "$workload" --timeout=120s
    has_address() { kubectl get service -n e2e-sql "$service" -o json | jq -e '.status.loadBalancer.ingress[0].ip'; }
    check "$kind: its Service has an address" eventually 30 has_address
    balancer=$(kubectl get service -n e2e-sql "$service" -o jsonpath='{.status.loadBalancer.ingress[0].ip}')
    volume=$(kubectl get persistentvolume -o json | jq -r '.items[] | select(.spec.claimRef.namespace == "e2e-sql") | .metadata.name')

    run_experiments "$kind" "$(experiment process-kill "$workload")" "$(experiment pod-delete "$workload")" --repeat $repeats
    check "$kind: the run exits 0" [ $status = 0 ]
    check "$kind: process-kill and pod-delete pass, with $repeats repeats each" result "[.experiments[] | [.name, .verdict, (.repeats | length)]]
        == [[\"process-kill\", \"pass\", $repeats], [\"pod-delete\", \"pass\", $repeats]]"
    check "$kind: every fault is proven" each_repeat '.effect.proven'
    check "$kind: hundreds of writes are acknowledged, and all of them are found again" each_repeat '.ledger |
        .acknowledged >= 200 and .kept >= .acknowledged and [.lost, .corrupt, .duplicate, .unexpected, .stale, .seededLost] == [0, 0, 0, 0, 0, 0]'
    check "$kind: new connections felt the fault, with bounds around the estimate" each_repeat '[.downtime | (.connect, .login) |
        .count >= 1 and .open == false and 0 < .lowerMs and .lowerMs <= .estimateMs and .estimateMs <= .upperMs and .upperMs < 120000] | all'
    check "$kind: the address that was probed is the Service's, before and after" \
        each_repeat ".infrastructure.serviceIP == {before: \"$balancer\", after: \"$balancer\"}"
    check "$kind: the volume is the same, before and after" \
        each_repeat ".infrastructure.volume | .before == .after and .before[0].volume == \"$volume\""
    check "$kind: a killed process leaves the pod where it is, restarted once" result \
        '[.experiments[0].repeats[].infrastructure.pod | .before.uid == .after.uid and .after.restartCount == .before.restartCount + 1] | length > 0 and all'
    check "$kind: a deleted pod is another pod" result \
        '[.experiments[1].repeats[].infrastructure.pod | .before.uid != .after.uid] | length > 0 and all'
    check "$kind: junit.xml is XML without a failure or an error" \
        [ "$(xmllint --xpath 'sum(//testsuite/@failures) + sum(//testsuite/@errors)' "$report/junit.xml")" = 0 ]

    # Kubernetes' own times have a resolution of 1 s: no login can have been accepted before the last container started.
    container_started() {
        local began
        # the deleted pod may still be Terminating
        began=$(kubectl get pods -n e2e-sql -o json | jq -e '[.items[] | select(.metadata.deletionTimestamp == null)
            | .status.containerStatuses[0].state.running.startedAt | fromdateiso8601] | max')
        result "(.run.startedAt | sub(\"\\\\.[0-9]+\"; \"\") | fromdateiso8601) as \$origin
            | ([.experiments[-1].repeats[-1].outages[] | select(.track == \"login\") | .firstSuccessDoneMs] | max / 1000) as \$answered
            | (\$origin + \$answered + 1) >= $began and (\$origin + \$answered) <= $began + 30"
    }
    check "$kind: logins work again only after the container's start as Kubernetes saw it" container_started
done
