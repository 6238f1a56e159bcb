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

# beside LOG COMMAND...: starts a command at the lowest priority; its output goes to LOG, and its process group is $!. It has no session of
# its own: Linux shares the processors between sessions first, and a priority counts within one only (sched(7), "The autogroup feature").
beside() {
    local log=$1
    shift
    set -m
    nice -n 19 "$@" >"$log" 2>&1 </dev/null &
    set +m
}

# install_packages NAME...: installs the Debian packages that are missing, and says which. Daemons that come with them are not started.
# Without root it prints one line with the packages that root has to install. Call it once, with all packages, before any long step.
install_packages() {
    local name missing=() policy=/usr/sbin/policy-rc.d
    for name in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    [ "$(id -u)" = 0 ] || die "as root first: apt-get install -y --no-install-recommends ${missing[*]}"
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

# Prints the package of the real kubectl where there is none, whichever package it came from: another vendor's conflicts with Debian's.
kubectl_package() {
    command -v kubectl >/dev/null || echo kubernetes-client
}

# Prints the packages that the Python clients of Tests/EndToEnd/clients need. The loader itself looks for the libraries: ldconfig is not in
# an ordinary user's PATH.
client_packages() {
    command -v tsql >/dev/null || echo freetds-bin
    command -v python3 >/dev/null || echo python3
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    local library
    # Microsoft's driver loads these at run time.
    for library in libltdl.so.7:libltdl7 libkrb5.so.3:libkrb5-3 libgssapi_krb5.so.2:libgssapi-krb5-2; do
        python3 -c "import ctypes; ctypes.CDLL('${library%%:*}')" 2>/dev/null || echo "${library##*:}"
    done
}

# Prints the packages of the programs that read reports.
report_packages() {
    command -v chromium >/dev/null || echo chromium
    command -v prometheus >/dev/null || echo prometheus
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# Prints the packages for building and running the package, beside Swift, which it asks for.
build_packages() {
    command -v swift >/dev/null || die "Swift is not installed or not in PATH; get 6.3 or newer from https://www.swift.org/install/linux/"
    echo libcurl4-openssl-dev libxml2-dev libsqlite3-dev pkg-config git jq util-linux busybox-static
}
