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
# answers CODE PATTERN KUBECONFIG: `plan` exits with the code and says what matches the pattern.
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
