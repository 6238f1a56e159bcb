# shellcheck shell=bash
# Sourced by the cluster's scripts: names, addresses, paths, and which processes are ours.

HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
source "$HERE/../lib/common.sh"

KUBERNETES_VERSION=1.20.2
KUBERNETES_BIN=${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/kubernetes-$KUBERNETES_VERSION/bin
STATE=${AFTERSHOCK_CLUSTER:-${TMPDIR:-/tmp}/aftershock-cluster}

BRIDGE=aftershock0
GATEWAY=172.30.0.1       # the host on the bridge; also the API server's address
SERVICE_RANGE=10.96.0.0/16
POD_RANGE=10.244.0.0/16  # worker N has 10.244.N.0/24
BALANCER_RANGE=172.30.0.200-172.30.0.250
CHAIN=AFTERSHOCK-CLUSTER # of the packet filter
CGROUPS=/sys/fs/cgroup
CGROUP=aftershock-cluster
CONTROLLERS=(cpu cpuacct cpuset memory devices freezer blkio pids systemd)
ETCD_DATA=/dev/shm/aftershock-cluster-etcd
# Mount points that a worker needs; a machine without Kubernetes has none of them.
NODE_DIRECTORIES=(/var/lib/kubelet /var/lib/containerd /var/lib/cni /etc/cni/net.d)
# Settings that the cluster changes for the whole machine, and that down restores.
SYSCTLS=(net.ipv4.conf.all.route_localnet net.bridge.bridge-nf-call-iptables net.ipv4.ip_forward fs.inotify.max_user_instances
    net.netfilter.nf_conntrack_tcp_timeout_syn_sent)

install_runtime_packages() {
    install_packages etcd-server containerd runc containernetworking-plugins iptables nftables iproute2 busybox-static conntrack socat \
        python3-grpcio jq openssl procps util-linux
    # shellcheck disable=SC2046 # a name or nothing
    install_packages $(kubectl_package)
}

worker_address() { echo "172.30.0.$((10 + $1))"; }
worker_hardware_address() { printf '02:00:ac:1e:00:%02x' "$((10 + $1))"; }
worker_link() { echo "aftershock-w$1"; }

# A process is known by its id and its start time (field 22 of /proc/ID/stat), so that a recycled id is never taken for ours.
# record NAME: the calling shell writes itself down, before it becomes the program; a starter that is killed loses nothing.
record() {
    local -a stat
    read -ra stat </proc/self/stat
    echo "${stat[0]} ${stat[21]}" >"$STATE/run/$1.pid"
}

# running NAME: prints the id of the process that was recorded, if that very process still runs. A zombie does not.
running() {
    local id start now
    read -r id start 2>/dev/null <"$STATE/run/$1.pid" || return 1
    now=$(awk '{ sub(/.*\) /, ""); if ($1 != "Z") print $20 }' "/proc/$id/stat" 2>/dev/null) || return 1
    [ "$now" = "$start" ] && echo "$id"
}

# Everything that the cluster starts lives in control groups of its own: control-plane, and one for each worker.
make_cgroups() {
    local controller group file
    for controller in "${CONTROLLERS[@]}"; do
        mkdir -p "$CGROUPS/$controller/$CGROUP/$1"
    done
    for group in "$CGROUP" "$CGROUP/$1"; do # a new cpuset is empty, and takes no process before it is filled
        for file in cpuset.cpus cpuset.mems; do cat "$CGROUPS/cpuset/$file" >"$CGROUPS/cpuset/$group/$file"; done
    done
}

# join_cgroups NAME: moves the calling shell.
join_cgroups() {
    local controller
    for controller in "${CONTROLLERS[@]}"; do echo "$BASHPID" >"$CGROUPS/$controller/$CGROUP/$1/cgroup.procs"; done
}
