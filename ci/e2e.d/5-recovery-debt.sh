# shellcheck shell=bash
# The work that a recovery finds: the same kill of the process without a debt and with 64 MiB of it, by the command that makes the reference table.

target
settings=$(sed -E 's#^( *namespace:).*#\1 e2e-sql#; s#^( *(steadyFor|stableFor):).*#\1 2s#' "$top/experiments/reference/reference.yaml" >"$work/reference.yaml" && echo "$work/reference.yaml")
report_to reference
reference() {
    timeout --signal=INT --kill-after=60 600 "$aftershock" reference "$settings" --reports "$report" --confirm-context aftershock-cluster \
        --only process-kill --debt 64MiB --repeat 1 >>"$log" 2>&1
}
check "recovery debt: both runs pass" reference
# of ARM JQ-CONDITION: holds for the arm's only repeat.
of() { jq -e ".experiments[0].repeats[0] | $2" "$report/$1/1/results.json"; }
redo='[.recoveries[] | select(.database == "aftershock") | .analysisMs + .redoMs] | max'
check "recovery debt: it is proven" of process-kill-64mib '.debt | .missing == null and .logBytes >= 64 * 1024 * 1024'
check "recovery debt: without one there is none" of process-kill '.debt == null'
check "recovery debt: the server's log has the recovery of both" [ -n "$(of process-kill "$redo")" ]
check "recovery debt: the recovery has grown with it" [ "$(of process-kill-64mib "$redo")" -gt "$(of process-kill "$redo")" ]
check "recovery debt: measured from outside it is no shorter than the server says" \
    of process-kill-64mib ".measuredRecovery | .database == \"aftershock\" and .upperMs >= $(of process-kill-64mib "$redo")"
check "recovery debt: nothing is lost" of process-kill-64mib '.ledger | .acknowledged > 50 and .lost == 0'
check "recovery debt: the page has both" [ "$(grep -cE '^\| process-kill \| (none|6[4-9]|[7-9][0-9])' "$report/reference.md")" = 4 ]
