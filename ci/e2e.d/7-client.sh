# shellcheck shell=bash
# The Kubernetes client's own tests, which are skipped where there is no cluster.

log=$work/client.out
tests() {
    AFTERSHOCK_CLUSTER_KUBECONFIG=$KUBECONFIG swift test --package-path "$top" --skip-build --disable-xctest --no-parallel --filter RealCluster >"$log" 2>&1
}
check "the Kubernetes client's tests against this cluster pass" tests
none_skipped() {
    grep -E 'Test run with [1-9][0-9]+ tests .* passed' "$log" && ! grep -E '(Test|Suite) .* skipped' "$log"
}
check "ten and more of them ran, and none was skipped" none_skipped
