# shellcheck shell=bash
# Who may do what: every way that a kubeconfig can authenticate, and a run with no more than `aftershock rbac` grants.

target
files=("$(experiment process-kill)" "$(experiment pod-delete)")

make_namespace aftershock
"$aftershock" rbac "${files[@]}" | kubectl apply -f - >/dev/null
kubectl create serviceaccount -n aftershock nobody >/dev/null
token_of() { # SERVICE-ACCOUNT; the cluster makes a Secret for each
    local secret
    secret=$(kubectl get serviceaccount -n aftershock "$1" -o jsonpath='{.secrets[0].name}')
    kubectl get secret -n aftershock "$secret" -o jsonpath='{.data.token}' | base64 -d
}
has_token() { [ -n "$(token_of "$1")" ]; }
eventually 30 has_token aftershock && eventually 30 has_token nobody
(umask 077 && token_of aftershock >"$work/token")

# kubeconfig NAME JQ-FILTER: the cluster's kubeconfig, changed; prints its path.
kubeconfig() {
    (umask 077 && kubectl config view --raw --flatten -o json | jq --rawfile token "$work/token" --arg work "$work" "$2" >"$work/$1.kubeconfig")
    echo "$work/$1.kubeconfig"
}
# answers CODE PATTERN KUBECONFIG: `plan` exits with the code, and its output matches the pattern.
answers() {
    local output status=0
    output=$("$aftershock" plan "${files[@]}" --kubeconfig "$3" --confirm-context aftershock-cluster --request-timeout 5s 2>&1) || status=$?
    [ "$status" = "$1" ] && grep -qiE "$2" <<<"$output" && return 0
    printf '%s\n' "$output" "exit code $status, expected $1 with: $2"
    return 1
}

check "a client certificate" answers 0 'answers' "$(kubeconfig certificate .)"
check "a bearer token" answers 0 'answers' "$(kubeconfig token '.users[0].user = {token: $token}')"
check "a token file" answers 0 'answers' "$(kubeconfig tokenfile '.users[0].user = {tokenFile: ($work + "/token")}')"
cat >"$work/credentials" <<'SH'
#!/bin/sh
printf '{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": {"token": "%s"}}' "$(cat "$1")"
SH
chmod +x "$work/credentials"
plugin='{apiVersion: "client.authentication.k8s.io/v1beta1", command: ($work + "/credentials"), args: [$work + "/token"], interactiveMode: "Never"}'
check "an exec plugin" answers 0 'answers' "$(kubeconfig exec ".users[0].user = {exec: $plugin}")"
check "an exec plugin that is not there" answers 5 'no-such-plugin' "$(kubeconfig noexec ".users[0].user = {exec: ($plugin | .command = \"/no-such-plugin\")}")"
check "an authority that did not sign the server's certificate" answers 5 'certificate' \
    "$(kubeconfig authority '.clusters[0].cluster["certificate-authority-data"] = .users[0].user["client-certificate-data"]')"
expired() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/late.key" -out "$work/late.csr" -subj /O=system:masters/CN=late
    openssl x509 -req -in "$work/late.csr" -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -CAcreateserial -CAserial "$work/late.srl" -days -1 -out "$work/late.crt"
} 2>/dev/null
expired
check "an expired client certificate" answers 5 'expired|401|unauthorized' \
    "$(kubeconfig expired '.users[0].user = {"client-certificate": ($work + "/late.crt"), "client-key": ($work + "/late.key")}')"
check "an API server that refuses connections" answers 5 'refused|connect' "$(kubeconfig refused '.clusters[0].cluster.server = "https://172.30.0.1:6444"')"
check "an API server that does not answer" answers 5 'time|deadline|connect' "$(kubeconfig silent '.clusters[0].cluster.server = "https://172.30.0.99:6443"')"
token_of nobody >"$work/nobody"
check "a user that may do nothing" answers 5 'may not|forbidden|permission' "$(kubeconfig nobody '.users[0].user = {tokenFile: ($work + "/nobody")}')"

run_experiments rbac "${files[1]}" --kubeconfig "$work/token.kubeconfig"
check "a run with the ServiceAccount of aftershock rbac passes" [ $status = 0 ]

uid() { kubectl get pods -n e2e-sql -o jsonpath='{.items[*].metadata.uid}'; }
settles
before=$(uid)
kubectl get role -n e2e-sql aftershock -o json | jq '(.rules[] | select(.resources == ["pods"]) | .verbs) -= ["delete"]' | kubectl replace -f - >/dev/null
run_experiments rbac-without-delete "${files[1]}" --kubeconfig "$work/token.kubeconfig"
check "without one verb, the run ends with exit code 5" [ $status = 5 ]
check "it names the verb, the resource and the namespace" grep -qE 'delete.*pods.*e2e-sql' "$log"
check "nothing was touched" [ "$(uid)" = "$before" ]

# The faults that touch more than their target: each with the grant for it alone, and with a pod of another namespace on every node.
make_namespace e2e-neighbour
kubectl apply -n e2e-neighbour -f - >/dev/null <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app: web}}}
      containers: [{name: sleep, image: "localhost/busybox:1", command: [sleep, "3600"]}]
YAML
check "a neighbour runs on every node" kubectl rollout status -n e2e-neighbour deployment/web --timeout=60s
# alone FILE: takes every grant away but the one for this experiment.
alone() {
    kubectl delete clusterrole,clusterrolebinding aftershock --ignore-not-found >/dev/null
    kubectl delete role,rolebinding -n e2e-sql aftershock --ignore-not-found >/dev/null
    "$aftershock" rbac "$1" | kubectl apply -f - >/dev/null
}
for name in container-kill node-taint node-drain; do
    file=$(with "$(experiment $name)" 's#^(  (steady|stable)For:).*#\1 2s#' "granted-$name")
    alone "$file"
    settles
    run_experiments "granted-$name" "$file" --repeat 1 --helper-image localhost/busybox:1 --kubeconfig "$work/token.kubeconfig"
    check "$name: its own grant is enough, with neighbours on the node" [ $status = 0 ]
done

# Policies of the namespace, which a dry run asks for. Pod Security's levels are no part of Kubernetes before 1.22: RehearsalTests has them.
files=("$(experiment container-kill)")
settles
before=$(uid)
kubectl create quota -n e2e-sql limit --hard=pods=1 >/dev/null
quota_counts() { kubectl get quota -n e2e-sql limit -o json | jq -e '.status.used.pods == "1"'; }
check "the quota counts the target" eventually 30 quota_counts
check "a quota without room for the helper pod is refused first" answers 5 'exceeded quota: limit' "$work/certificate.kubeconfig"
kubectl delete quota -n e2e-sql limit >/dev/null
kubectl apply -n e2e-sql -f - >/dev/null <<'YAML'
apiVersion: v1
kind: LimitRange
metadata: {name: limit}
spec: {limits: [{type: Pod, min: {memory: 100Mi}}]}
YAML
check "a limit range that forbids the helper pod is refused first" answers 5 'minimum memory usage per Pod is 100Mi' "$work/certificate.kubeconfig"
kubectl delete limitrange -n e2e-sql limit >/dev/null
check "and nothing was touched" [ "$(uid)" = "$before" ]

# This Kubernetes has PodSecurityPolicy in the place of Pod Security: a policy that a user may use in a namespace. Switched on for
# as long as this takes: everybody's pods but those of the harness's own account may be anything.
admission() { # PLUGINS: the API server starts again with them
    "$top/ci/cluster/control-plane" stop kube-apiserver
    sed -zi "s#^--enable-admission-plugins=.*#--enable-admission-plugins=$1#" "$STATE/run/kube-apiserver.arguments"
    "$top/ci/cluster/control-plane" start kube-apiserver
    check "the API server is back with $1" eventually 60 kubectl get --raw /readyz
}
process=$(with "$(experiment process-kill)" 's#^(  (steady|stable)For:).*#\1 2s#' restricted-process-kill)
kubectl delete clusterrole,clusterrolebinding aftershock --ignore-not-found >/dev/null
kubectl delete role,rolebinding -n e2e-sql aftershock --ignore-not-found >/dev/null
"$aftershock" rbac "$process" "${files[@]}" | kubectl apply -f - >/dev/null
kubectl apply -f - >/dev/null <<'YAML'
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: e2e-anything}
spec:
  privileged: true
  allowPrivilegeEscalation: true
  allowedCapabilities: ["*"]
  volumes: ["*"]
  hostNetwork: true
  hostPorts: [{min: 0, max: 65535}]
  hostIPC: true
  hostPID: true
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: e2e-baseline}
spec:
  volumes: [configMap, emptyDir, projected, secret, downwardAPI, persistentVolumeClaim]
  runAsUser: {rule: RunAsAny}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
YAML
kubectl create clusterrole e2e-anything --verb=use --resource=podsecuritypolicies.policy --resource-name=e2e-anything >/dev/null
kubectl create clusterrolebinding e2e-anything --clusterrole=e2e-anything --group=system:nodes --group=system:serviceaccounts:kube-system >/dev/null
kubectl create role e2e-baseline -n e2e-sql --verb=use --resource=podsecuritypolicies.policy --resource-name=e2e-baseline >/dev/null
kubectl create rolebinding e2e-baseline -n e2e-sql --role=e2e-baseline --serviceaccount=aftershock:aftershock >/dev/null
settles
before=$(uid)
admission NodeRestriction,PodSecurityPolicy
check "under a baseline policy the helper pod is refused first, with the API's reason" \
    answers 5 'rehearsal.*PodSecurityPolicy: unable to admit pod.*hostPID|rehearsal.*PodSecurityPolicy: unable to admit pod.*(ostPath|rivileged)' \
    "$work/token.kubeconfig"
check "it says what to set" answers 5 'helperNamespace' "$work/token.kubeconfig"
check "and nothing was touched" [ "$(uid)" = "$before" ]
run_experiments restricted-process-kill "$process" --repeat 1 --kubeconfig "$work/token.kubeconfig"
check "under a baseline policy a kill by exec passes with its own grant" [ $status = 0 ]
admission NodeRestriction
kubectl delete podsecuritypolicy e2e-anything e2e-baseline >/dev/null
kubectl delete clusterrole,clusterrolebinding e2e-anything >/dev/null
