# shellcheck shell=bash
# Sourced by ci/e2e: functions that run experiments on the cluster.

aftershock=$top/.build/debug/aftershock
sandbox_sql_loaded=
reports=$top/reports/e2e-$(date -u +%Y%m%dT%H%M%SZ)

# deploy MANIFEST [STORAGE-CLASS]: experiments/targets/MANIFEST.yaml in the namespace e2e-sql, as it is but for the image and the class.
deploy() {
    local loaded
    if [ -z "$sandbox_sql_loaded" ]; then
        "$HERE/load" "$("$top/ci/image/build" sandbox-sql)" 2>/dev/null
        sandbox_sql_loaded=yes
    fi
    make_namespace e2e-sql
    sed -E 's#(image: *)"?mcr\.microsoft\.com/(azure-sql-edge|mssql/server)[^" ]*"?#\1localhost/sandbox-sql:dev#; s#^( *(name|namespace): )sql( |$)#\1e2e-sql\3#'"${2:+; s|^spec: # 3|spec:\\n  storageClassName: $2|}" \
        "$top/experiments/targets/$1.yaml" | kubectl apply --namespace e2e-sql -f - >/dev/null
    loaded=$(kubectl get deployments,statefulsets --namespace e2e-sql -o jsonpath='{..image}')
    [ "$loaded" = localhost/sandbox-sql:dev ] || die "$1.yaml has the image '$loaded', which is none of those that SandboxSQL stands in for"
}

# experiment NAME [WORKLOAD]: prints the path of the library's experiment, aimed at the deployed target; its Service has the workload's name.
# A pod that is killed for the fifth time waits 80 s in CrashLoopBackOff; that much is allowed here, and no more.
experiment() {
    local workload=${2:-deployment/azure-sql-edge}
    sed -E "s#^( *namespace:).*#\1 e2e-sql#; s#^( *workload:).*#\1 $workload#; s#^( *service:).*#\1 ${workload#*/}#; s#(downtime: \{max:) 90s#\1 110s#" \
        "$top/experiments/$1.yaml" >"$work/$1.yaml"
    echo "$work/$1.yaml"
}

# report_to NAME: sets $report to the folder of the next run's reports, and $log to the file of its output.
report_to() {
    report=$reports/$1 log=$reports/$1.log
    mkdir -p "$reports"
}

# run_experiments REPORT-NAME ARGUMENT...: runs them, with their reports to that name; $status is the exit code.
run_experiments() {
    report_to "$1"
    shift
    status=0
    timeout --signal=INT --kill-after=60 1800 "$aftershock" run --reports "$report" --confirm-context aftershock-cluster "$@" >"$log" 2>&1 || status=$?
    echo "run ${report##*/}: exit code $status"
}

# recorded JOURNAL PATTERN [TAIL-OPTION...]: waits, 5 minutes at most, until the journal, which need not exist yet, has a record that matches.
recorded() {
    # tail looks once a second unless told otherwise, which is longer than some steps last. That its reader leaves it is no error.
    grep -q -m 1 "$2" < <(timeout 300 tail -s 0.01 -n +1 -F "${@:3}" "$1" 2>/dev/null || true)
}

# result JQ-CONDITION: holds for the run's results.json; shows the judgements if it does not.
result() {
    jq -e "$1" "$report/results.json" >/dev/null && return 0
    jq -c '.experiments[] | .name, .verdict, (.checks[] | select(.outcome | IN("passed", "skipped") | not)), .doubts, (.repeats[] | {verdict, downtime, ledger, infrastructure, effect, restore})' "$report/results.json"
    return 1
}

# each_repeat JQ-CONDITION: holds for every repeat, and there is at least one.
each_repeat() { result "[.experiments[].repeats[] | $1] | length > 0 and all"; }

# target [STORAGE-CLASS]: deploys Azure SQL Edge again and waits until it answers.
target() {
    deploy azure-sql-edge "${1:-}"
    check "the target answers" eventually 120 settled
}

# settled: every node is Ready, and of the target there is one pod, which is ready and answers at the address: what a run has left behind would
# be the next one's.
settled() {
    local ready='any(.status.conditions[]; .type == "Ready" and .status == "True")'
    kubectl get nodes -o json | jq -e "all(.items[]; $ready)" &&
        kubectl get pods -n e2e-sql -l app=azure-sql-edge -o json | jq -e ".items | length == 1 and all(.metadata.deletionTimestamp == null and $ready)" &&
        timeout 1 bash -c "</dev/tcp/$(kubectl get service -n e2e-sql azure-sql-edge -o jsonpath='{.status.loadBalancer.ingress[0].ip}')/1433"
}

# A container that ended again and again waits up to 80 s for its next start.
settles() { check "the target is as it was" eventually 180 settled; }

target_node() { kubectl get pods -n e2e-sql -l app=azure-sql-edge -o jsonpath='{.items[0].spec.nodeName}'; }

# with FILE SED-SCRIPT NAME: a variant of an experiment; prints its path.
with() {
    sed -E "$2; s#^( *name:) $(basename "$1" .yaml)\$#\1 $3#" "$1" >"$work/$3.yaml"
    echo "$work/$3.yaml"
}
