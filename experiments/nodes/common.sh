# shellcheck shell=bash
# Sourced by the scripts beside this file: each takes a node's power away, or gives it back, as `SCRIPT off|on NODE`.
set -euo pipefail

die() { echo "${0##*/}: $*" >&2 && exit 1; }

case ${1:-} in
off | on) action=$1 ;;
*) sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0" && exit 64 ;;
esac
node=${2:?the name of a node}

# provider_id SCHEME: what the node's cloud calls it, as its Node object says, without SCHEME://.
provider_id() {
    local id
    id=$(kubectl get node "$node" -o 'jsonpath={.spec.providerID}')
    case $id in
    "$1://"*) echo "${id#"$1://"}" ;;
    *) die "node $node has the providerID '$id', not one of $1" ;;
    esac
}
