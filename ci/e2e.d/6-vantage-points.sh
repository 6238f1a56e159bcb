# shellcheck shell=bash
# kube-proxy stands still while the pod is replaced: the server is back at its own address, and the Service's address leads nowhere. The
# report has to give the downtime to the right one of the two.

control_plane=$top/ci/cluster/control-plane
thaw() { "$control_plane" thaw kube-proxy; }
target
file=$(with "$(experiment pod-delete-force)" 's#^  (steadyFor|stableFor): .*#  \1: 3s#' vantage-points)

run_experiments vantage-points-well "$file" --repeat 1
check "without a frozen kube-proxy the run passes" [ $status = 0 ]
check "the pod's own address and the cluster IP were asked, and the name, which nobody resolves, is said once" \
    each_repeat '([.views[] | select(.reached) | .view] == ["pod", "clusterIP"]) and ([.remarks[] | select(contains("not asked from here"))] | length) == 1'
check "the downtime is the server's" each_repeat '.split.network.lowerMs < 1500 and .split.server.upperMs > 0'

settles
trap 'thaw || true; clean_up' EXIT
journal=$reports/vantage-points/journal.ndjson
frozen_seconds=8
# From before the fault until the new pod has been ready for a while.
freeze() {
    recorded "$journal" '"stage":"injecting"' && "$control_plane" freeze kube-proxy
    recorded "$journal" '"kind":"podReady"' && sleep $frozen_seconds
    thaw
}
freeze &
watcher=$!
run_experiments vantage-points "$file" --repeat 1
wait $watcher || true
thaw
trap clean_up EXIT
check "the run passes: it is what clients felt" [ $status = 0 ]
check "the server's part ended when the pod was ready" each_repeat '.split.server.upperMs != null and .split.server.upperMs < .split.service.lowerMs'
check "the rest, of which kube-proxy stood still for $frozen_seconds s, is the network's" \
    each_repeat ".split.network.lowerMs > ($frozen_seconds - 2) * 1000 and .split.network.upperMs != null"
check "and kube-proxy's, not the load balancer's" \
    each_repeat ".split.kubeProxy.lowerMs > ($frozen_seconds - 2) * 1000 and .split.loadBalancer.lowerMs < 1500"
check "Kubernetes said Ready meanwhile" each_repeat ".readyNotServed.lowerMs > ($frozen_seconds - 2) * 1000"
check "every report says so" grep -q 'of it is the network' "$report/summary.md" "$report/report.html"
