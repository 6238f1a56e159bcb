# shellcheck shell=bash
# A node is lost: its power, its network, its kubelet, and with a disk that is attached to it.

repeats=${AFTERSHOCK_E2E_REPEATS:-3}
# failing_by INJECT UNDO NAME: node failure by two commands, given as YAML lists.
failing_by() { with "$(experiment node-failure)" "s#^( *inject:) .*#\1 $1#; s#^( *undo:) .*#\1 $2#; s#^( *noticedWithin:) .*#\1 60s#" "$3"; }

target

eventually 60 settled >/dev/null
run_experiments poweroff "$(failing_by "[\"$HERE/node\", poweroff, \"{node}\"]" "[\"$HERE/node\", start, \"{node}\"]" node-poweroff)" --repeat "$repeats"
check "power off: $repeats repeats pass" result "[.experiments[].repeats[] | .verdict == \"pass\" and .effect.proven and .restore.complete] | length == $repeats and all"
check "power off: another node, the same volume, nothing lost" each_repeat '(.infrastructure | .node.before != .node.after and .volume.before == .volume.after) and .ledger.lost == 0'
check "power off: the report shows what had become of the old pod" each_repeat \
    '.nodeLoss | .ready == "Unknown" and .oldPod.state == "terminating" and .attachments == [] and (.tolerationSeconds | length == 2)'

# The undo command of a cut looks at the old server before the cable is put back.
cat >"$work/heal" <<SH
#!/bin/sh
"$HERE/node" enter "\$1" pgrep -f sandbox-sql >>"$work/still-running"
exec "$HERE/node" heal "\$1"
SH
chmod +x "$work/heal"
eventually 60 settled >/dev/null
run_experiments cut "$(failing_by "[\"$HERE/node\", cut, \"{node}\"]" "[\"$work/heal\", \"{node}\"]" node-cut)" --repeat "$repeats"
check "cut: $repeats repeats pass" result "[.experiments[].repeats[] | .verdict == \"pass\" and .effect.proven and .restore.complete] | length == $repeats and all"
check "cut: the old server still ran on the cut node, and is not what was measured" each_repeat \
    '(.infrastructure | .node.before != .node.after and .pod.before.uid != .pod.after.uid) and .downtime.login.lowerMs > 1000'
check "cut: that is so" [ -s "$work/still-running" ]

eventually 60 settled >/dev/null
target disk
run_experiments disk "$(with "$(failing_by "[\"$HERE/node\", poweroff, \"{node}\"]" "[\"$HERE/node\", start, \"{node}\"]" node-disk)" 's#giveUpAfter: .*#giveUpAfter: 40s#; s#max: 60s#max: 40s#; s#recoveredWithin: .*#recoveredWithin: 40s#' node-disk-short)"
check "a disk on a lost node: not recovered, which is a failure and not 'could not tell'" [ $status = 1 ]
check "a disk on a lost node: the report has the reasons" each_repeat '.verdict == "fail" and (.nodeLoss | .oldPod.state == "terminating" and .outOfService == false
    and any(.attachments[]; .attached) and (.multiAttach | length > 0))'
check "a disk on a lost node: summary.md and report.html tell it" grep -q 'Multi-Attach error' "$report/summary.md" "$report/report.html"
eventually 120 settled >/dev/null
