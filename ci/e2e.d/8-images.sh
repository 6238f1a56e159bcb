# shellcheck shell=bash
# The Dockerfiles, built by an ordinary image builder, make images that run.

install_packages buildah
builder() { buildah --storage-driver vfs --root "$work/images" --runroot "$work/images.run" "$@"; }
make_namespace e2e-images

# built NAME: builds the image from the folder that ci/image/build leaves, and puts it on the workers as NAME:built.
built() {
    "$top/ci/image/build" "$1" >/dev/null
    builder bud --isolation chroot --tag "localhost/$1:built" "$top/.build/images/$1"
    builder push "localhost/$1:built" "docker-archive:$work/$1-built.tar:localhost/$1:built"
    "$HERE/load" "$work/$1-built.tar"
}
for name in sandbox-sql aftershock; do check "$name: buildah builds its Dockerfile" built "$name"; done

kubectl run -n e2e-images server --image=localhost/sandbox-sql:built --env=ACCEPT_EULA=Y --env=MSSQL_SA_PASSWORD="$(openssl rand -base64 18)Aa1" >/dev/null
server_ready() { kubectl logs -n e2e-images server | grep 'ready for client connections'; }
check "sandbox-sql: it starts, as the user that the Dockerfile names" eventually 60 server_ready
kubectl run -n e2e-images harness --image=localhost/aftershock:built --restart=Never -- --version >/dev/null
harness_answers() { kubectl logs -n e2e-images harness | grep -E '^[0-9]+\.[0-9]+\.[0-9]+'; }
check "aftershock: it answers" eventually 60 harness_answers
