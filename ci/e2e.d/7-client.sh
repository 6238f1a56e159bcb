# shellcheck shell=bash
# The tests of the Kubernetes client and of the sandbox's table of fields, which are skipped where there is no cluster.

log=$work/client.out
kubectl get --raw /openapi/v2 >"$work/openapi.json"
tests() {
    AFTERSHOCK_CLUSTER_KUBECONFIG=$KUBECONFIG AFTERSHOCK_OPENAPI=$work/openapi.json swift test --package-path "$top" \
        --skip-build --disable-xctest --no-parallel --filter "RealCluster|PublishedSchema" >"$log" 2>&1
}
check "the Kubernetes client's tests pass, and the sandbox's fields are those of this cluster" tests
none_skipped() {
    grep -E 'Test run with [1-9][0-9]+ tests .* passed' "$log" && ! grep -E '(Test|Suite) .* skipped' "$log"
}
check "ten and more of them ran, and none was skipped" none_skipped
