# shellcheck shell=bash
# Sourced: remembered SCHEME prints provider_id, also when the Node object has been deleted since `off`.
remembered() {
    local folder=${AFTERSHOCK_NODES:-${XDG_STATE_HOME:-$HOME/.local/state}/aftershock-nodes} id
    if id=$(provider_id "$1" 2>/dev/null); then
        mkdir -p "$folder"
        echo "$id" >"$folder/$node"
    elif [ "$action" = on ] && [ -r "$folder/$node" ]; then
        id=$(cat "$folder/$node")
    else
        provider_id "$1" # for its message
        return 1
    fi
    echo "$id"
}
