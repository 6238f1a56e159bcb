# shellcheck shell=bash
# Sourced by every script under ci/: messages, help texts and Debian packages.

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# usage_if_asked "$@": prints the comment block at the top of the running script and ends, when --help is among the arguments.
usage_if_asked() {
    local argument
    for argument in "$@"; do
        case $argument in
        -h | --help)
            awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"
            exit 0
            ;;
        esac
    done
}

need_root() {
    [ "$(id -u)" = 0 ] || die "needs root; run it with sudo or as root"
}

# install_packages NAME...: installs the Debian packages that are missing, and says which. Daemons that come with them are not started.
install_packages() {
    local name missing=() policy=/usr/sbin/policy-rc.d
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    need_root
    echo "installing Debian packages: ${missing[*]}" >&2
    (
        export DEBIAN_FRONTEND=noninteractive
        if [ ! -e $policy ]; then
            trap 'rm -f $policy' EXIT
            printf '#!/bin/sh\nexit 101\n' >$policy
            chmod 755 $policy
        fi
        apt-get -q update </dev/null >&2 &&
            apt-get -q install -y --no-install-recommends "${missing[@]}" </dev/null >&2
    ) || die "apt-get could not install: ${missing[*]}"
}

# The real kubectl, whichever package it came from: another vendor's conflicts with Debian's.
install_kubectl() {
    command -v kubectl >/dev/null || install_packages kubernetes-client
}

# The needs of building and running the package, beside Swift.
install_build_packages() {
    command -v swift >/dev/null || die "Swift is not installed or not in PATH; get 6.3 or newer from https://www.swift.org/install/linux/"
    install_packages libcurl4-openssl-dev libxml2-dev libsqlite3-dev pkg-config git jq util-linux
}
