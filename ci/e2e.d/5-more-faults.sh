# shellcheck shell=bash
# Faults that need a real cluster: network namespaces, control groups, volumes with filesystems of their own.

repeats=${AFTERSHOCK_E2E_REPEATS:-1}
k() { kubectl --namespace e2e-sql "$@"; }
says() { result "[.. | strings] | any(test(\"$1\"))"; }
short='s#duration: 30s#duration: 8s#; s#steadyFor: .*#steadyFor: 2s#; s#stableFor: .*#stableFor: 2s#'
# sound KIND: every repeat of the run passes, with a proven effect and everything restored and accounted for.
sound() {
    check "$1: $repeats repeats pass" result "[.experiments[].repeats[] | .verdict == \"pass\"] | length == $repeats and all"
    check "$1: its effect is proven, and what it changed is restored" each_repeat '.effect.proven and .restore.complete'
    check "$1: nothing is lost" each_repeat '.ledger | .acknowledged > 100 and [.lost, .corrupt, .duplicate, .unexpected, .stale, .seededLost] == [0, 0, 0, 0, 0, 0]'
}
# rules: the routing rules of the target's pod, as its node sees them.
rules() {
    local node uid
    node=$(target_node)
    uid=$(k get pods -l app=azure-sql-edge -o jsonpath='{.items[0].metadata.uid}')
    "$HERE/node" enter "$node" sh -c 'for d in /proc/[0-9]*; do grep -q "$1" $d/cgroup 2>/dev/null && nsenter -t ${d#/proc/} -n ip rule && exit; done' sh "$uid"
}

# killed KIND PATTERN EXPERIMENT OPTION...: the harness dies at the record that matches; restore undoes its changes, and then nothing is left.
killed() {
    local pid
    report_to "killed-$1-${2//[^A-Za-z]/}"
    rm -rf "$report"
    "$aftershock" run --reports "$report" --confirm-context aftershock-cluster "${@:4}" "$3" >"$log" 2>&1 &
    pid=$!
    recorded "$report/journal.ndjson" "$2" --pid=$pid && kill -9 $pid
    wait $pid 2>/dev/null || true
    check "$1, killed at $2: restore" "$aftershock" restore --run "$report"
    check "$1, killed at $2: nothing is left" grep -q '^nothing is left' <("$aftershock" restore --run "$report")
}

# at_every_record KIND EXPERIMENT OPTION...: the harness dies at one kind of record after the other that a whole run writes. That takes some
# ten minutes a fault: only where AFTERSHOCK_E2E_EVERY_RECORD is set.
at_every_record() {
    local patterns pattern
    [ -n "${AFTERSHOCK_E2E_EVERY_RECORD:-}" ] || return 0
    settles
    run_experiments "$1-undisturbed" "$2" "${@:3}"
    check "$1, undisturbed: passes" [ $status = 0 ]
    mapfile -t patterns < <(jq -r 'select(.event | IN("probe", "probeSkipped", "write", "blind", "serverLog", "databaseAsked", "observation", "runEnded") | not) |
        if .event == "undoIntent" then "\"kind\":\"\(.kind)\"" elif .event == "stageEntered" then "\"stage\":\"\(.stage)\"" else "\"event\":\"\(.event)\"" end' \
        "$report/journal.ndjson" | awk '!seen[$0]++')
    for pattern in "${patterns[@]}"; do
        # Another pod, so that the kubelet holds no restart back.
        k delete pods -l app=azure-sql-edge --timeout=120s >/dev/null
        settles
        killed "$1" "$pattern" "$2" "${@:3}"
        check "$1, killed at $pattern: no helper is left" eventually 120 no_helper
    done
    settles
}

target
settles
before=$(rules)
own_rules() { [ "$(rules)" = "$before" ]; }
no_helper() { [ -z "$(k get pods -l app.kubernetes.io/managed-by=aftershock -o name)" ]; }
cut=$(with "$(experiment network-cut)" "$short" network-cut-short)
run_experiments network-cut "$cut" --repeat "$repeats" --helper-image localhost/busybox:1
sound network-cut
check "network-cut: every track is out for as long as the cut lasts, and not much longer" each_repeat \
    'all(.downtime[]; .count >= 1 and .upperMs > 7000 and .lowerMs < 20000)'
check "network-cut: the same container" each_repeat '.infrastructure.pod | .before == .after'
check "network-cut: the pod has its own rules again" [ "$(rules)" = "$before" ]

# The harness dies while the pod is cut off: restore reconnects it. A helper pod that somebody deletes does so too.
for step in undoIntent faultEffect; do
    report_to "killed-network-cut-$step"
    "$aftershock" run --reports "$report" --confirm-context aftershock-cluster --helper-image localhost/busybox:1 \
        "$(with "$cut" 's#duration: 8s#duration: 120s#' "network-cut-${step,,}")" >"$log" 2>&1 &
    pid=$!
    # Of the two intents the fault's is the second one.
    pattern="\"event\":\"$step\""
    [ $step != undoIntent ] || pattern='"kind":"healNetwork"'
    recorded "$report/journal.ndjson" "$pattern" --pid=$pid && kill -9 $pid
    wait $pid 2>/dev/null || true
    if [ $step = faultEffect ]; then
        k delete pods -l app.kubernetes.io/managed-by=aftershock --wait=false >/dev/null
        check "network-cut: told to end, the helper has reverted it" eventually 15 own_rules
        # The kubelet may take the object of a pod that has ended away in its next round, which comes once a minute.
        check "network-cut: the helper is gone" eventually 120 no_helper
    fi
    check "network-cut, killed at $step: restore" "$aftershock" restore --run "$report"
    check "network-cut, killed at $step: the pod has its own rules again" [ "$(rules)" = "$before" ]
    check "network-cut, killed at $step: no helper is left" no_helper
    check "network-cut, killed at $step: nothing is left" grep -q '^nothing is left' <("$aftershock" restore --run "$report")
    settles
done
at_every_record network-cut "$cut" --helper-image localhost/busybox:1
# The emulator is a module of the kernel, which not every kernel has; then that is said, and nothing is changed.
run_experiments network-delay "$(with "$(experiment network-delay)" "$short" network-delay-short)" --helper-image localhost/busybox:1
check "network-delay without tc's netem: could not tell, and said why" [ $status = 4 ]
check "network-delay without tc's netem: named" says "cannot do it|has no program"
check "network-delay: the pod has its own rules, and no helper is left" [ "$(rules)" = "$before" ]

# memoryExhaust: without a limit it is refused.
memory=$(with "$(experiment memory-exhaust)" "$short; s#^  steadyFor:#  ledger: {transfers: 2}\n  steadyFor:#" memory-exhaust-short)
run_experiments memory-unlimited "$memory"
check "memory-exhaust without a limit: refused before anything is touched" [ $status = 5 ]
check "memory-exhaust without a limit: named" says 'no memory limit'
k set resources deployment/azure-sql-edge --limits=memory=192Mi >/dev/null
check "memory-exhaust: the server runs with its limit" k rollout status deployment/azure-sql-edge --timeout=120s
settles
run_experiments memory-exhaust "$memory" --repeat "$repeats"
sound memory-exhaust
check "memory-exhaust: OOMKilled is the evidence" each_repeat '.effect.evidence | any(contains("OOMKilled"))'
check "memory-exhaust: no transfer is torn" each_repeat '.ledger.transfers | .acknowledged > 20 and .torn == 0 and .sum == 0'
check "memory-exhaust: the same pod, restarted once" each_repeat '.infrastructure.pod | .before.uid == .after.uid and .after.restartCount == .before.restartCount + 1'

killed memory-exhaust '"kind":"calmMemory"' "$memory"
check "memory-exhaust, killed: the server is there again" eventually 120 settled

at_every_record memory-exhaust "$memory"

# rollout to another image and back: the same program under another name.
for i in $(seq "$(kubectl get nodes -o name | wc -l)"); do
    "$HERE/node" enter "$i" ctr -n k8s.io images tag --force localhost/sandbox-sql:dev localhost/sandbox-sql:next >/dev/null
done
image=$(with "$(experiment rollout-image)" "$short; s#image: [^}]*#image: localhost/sandbox-sql:next#" rollout-image-short)
run_experiments rollout-image "$image" --repeat "$repeats"
sound rollout-image
check "rollout-image: another image is the evidence" each_repeat '.effect.evidence | any(contains("the image localhost/sandbox-sql:next"))'
check "rollout-image: there and back, two outages" each_repeat '.downtime.login.count >= 2'
killed rollout-image '"event":"faultInjected"' "$image"
check "rollout-image: the image of before" [ "$(k get deployment azure-sql-edge -o jsonpath='{..image}')" = localhost/sandbox-sql:dev ]
settles

# diskFull: refused on a shared folder; done on a volume that is a filesystem of its own.
disk=$(with "$(experiment disk-full)" "$short" disk-full-short)
run_experiments disk-shared "$disk"
check "disk-full on a volume that others share: refused before anything is touched" [ $status = 5 ]
check "disk-full on a volume that others share: named" says 'hits others|fill the node'

# A volume that is a filesystem of its own: 64 MiB in the memory of the pod's worker.
k delete deployment/azure-sql-edge persistentvolumeclaim/mssql-data --timeout=120s >/dev/null
workers=$(kubectl get nodes -o name | wc -l)
on_workers() { for i in $(seq "$workers"); do "$HERE/node" enter "$i" sh -c "$1"; done; }
on_workers 'mkdir -p /mnt/e2e && mount -t tmpfs -o size=64m,mode=777 e2e /mnt/e2e'
kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: PersistentVolume
metadata: {name: e2e-own}
spec:
  capacity: {storage: 64Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: e2e-own
  hostPath: {path: /mnt/e2e}
YAML
sed -E 's#(image: *).*#\1localhost/sandbox-sql:dev#; s#^( *(name|namespace): )sql$#\1e2e-sql#; s#^spec: \# 3#spec:\n  storageClassName: e2e-own#; s#storage: 8Gi#storage: 64Mi#' \
    "$top/experiments/targets/azure-sql-edge.yaml" | kubectl apply --namespace e2e-sql -f - >/dev/null
check "disk-full: the server runs on its own volume" k rollout status deployment/azure-sql-edge --timeout=120s
settles
run_experiments disk-full "$disk" --repeat "$repeats"
sound disk-full
check "disk-full: no space is the evidence" each_repeat '.effect.evidence | any(contains("No space left on device"))'
check "disk-full: writes failed, and logins did not" each_repeat '.downtime.write.count >= 1 and .downtime.login.count == 0'
check "disk-full: the server's own words are 1105 or 9002" grep -qE '"number":(1105|9002)' "$report/journal.ndjson"
filler() { "$HERE/node" enter "$(target_node)" sh -c 'ls /mnt/e2e | grep aftershock-fill'; }
no_filler() { ! filler; }
report_to killed-disk-full
"$aftershock" run --reports "$report" --confirm-context aftershock-cluster "$(with "$disk" 's#duration: 8s#duration: 120s#' disk-full-long)" >"$log" 2>&1 &
pid=$!
recorded "$report/journal.ndjson" '"event":"faultInjected"' --pid=$pid && kill -9 $pid
wait $pid 2>/dev/null || true
check "disk-full: the file is there while the harness is dead" filler
check "disk-full, killed: restore" "$aftershock" restore --run "$report"
check "disk-full, killed: the file is gone" no_filler
check "disk-full, killed: nothing is left" grep -q '^nothing is left' <("$aftershock" restore --run "$report")
settles
at_every_record disk-full "$disk"
check "disk-full: no file is left" no_filler
k delete deployment/azure-sql-edge persistentvolumeclaim/mssql-data --timeout=120s >/dev/null
kubectl delete persistentvolume e2e-own >/dev/null
# All workers share the folder: removing it would remove the mounts of the others.
on_workers 'umount /mnt/e2e'
rmdir /mnt/e2e

# A StatefulSet's pod waits for its lost node until somebody acts. An operator's remedies are measured.
deploy mssql-statefulset
lost=$(with "$(experiment node-failure statefulset/mssql)" \
    "$short; s#^( *inject:) .*#\1 [\"$HERE/node\", poweroff, \"{node}\"]#; s#^( *undo:) .*#\1 [\"$HERE/node\", start, \"{node}\"]#; s#^( *noticedWithin:) .*#\1 60s#; s#giveUpAfter: .*#giveUpAfter: 150s#; s#max: 60s#max: 150s#; s#recoveredWithin: .*#recoveredWithin: 150s#" node-lost)
served() {
    k get pods -l app=mssql -o json | jq -e '.items | length == 1 and all(.metadata.deletionTimestamp == null and any(.status.conditions[]; .type == "Ready" and .status == "True"))' &&
        kubectl get nodes -o json | jq -e 'all(.items[]; any(.status.conditions[]; .type == "Ready" and .status == "True"))'
}
for action in forceDeletePod deleteNode; do
    check "a lost node, $action: the target is there" eventually 180 served
    run_experiments "remedy-$action" "$(with "$lost" "s#^( *)timeout: 60s#\1timeout: 60s\n\1remedy: {after: 20s, action: $action}#" "remedy-${action,,}")"
    check "a lost node, $action: passes" [ $status = 0 ]
    check "a lost node, $action: stuck without, served with it" each_repeat '(.remarks | any(test("stuck for 2[0-9][.0-9]* s without a remedy; [0-9.]+ s with it"))) and .nodeLoss.node != .infrastructure.node.after'
    check "a lost node, $action: restored" each_repeat '.restore.complete'
done
check "a lost node: every node is there again" eventually 60 served
