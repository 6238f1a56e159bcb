/// The POSIX shell programs that furnish new namespaces. They get everything as arguments, so that nothing has to be quoted.
enum SetUpScripts {
    /// The outermost namespaces. Builds the read-only image that all containers share, then waits for the end of its standard input, which
    /// comes when the harness ends, however it ends; then nothing is left of processes, mounts (they go with the namespace) or files.
    ///
    /// Arguments: the sandbox's folder; `remove` or `keep` for what happens to it; then pairs of host path and path in the image.
    static let machine = #"""
        set -eu
        folder=$1 end=$2
        shift 2
        image=$folder/image
        mkdir -p "$image"
        mount -t tmpfs -o mode=755,size=16m image "$image"
        cd "$image"
        : > mounts.list
        provide() {
            [ -e ".$2" ] || if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".${2%/*}"; : > ".$2"; fi
            mount --bind -o ro "$1" ".$2"
            echo "$2" >> mounts.list
        }
        provide /usr /usr
        for name in bin sbin lib lib32 lib64 libx32; do
            if [ -L "/$name" ]; then cp -P "/$name" "$name"; elif [ -d "/$name" ]; then provide "/$name" "/$name"; fi
        done
        for name in null zero full random urandom; do provide "/dev/$name" "/dev/$name"; done
        mkdir -p etc/ssl
        for name in ld.so.cache ld.so.conf ld.so.conf.d nsswitch.conf alternatives localtime os-release ssl/certs ssl/openssl.cnf protocols services; do
            if [ -e "/etc/$name" ]; then cp -RP "/etc/$name" "etc/$name" 2>/dev/null || :; fi
        done
        echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
        echo 'root:x:0:' > etc/group
        while [ $# -ge 2 ]; do
            provide "$1" "$2"
            shift 2
        done
        mount -o remount,bind,ro "$image"
        cd /
        printf '\001ready\n'
        cat > /dev/null || :
        kill -9 -1 2>/dev/null || :
        umount -l "$image" || :
        if [ "$end" = remove ]; then rm -rf -- "$folder"; fi
        """#

    /// A node: an init that takes care of orphans (a process that ignores SIGCHLD leaves no zombies) and ends with its standard input.
    static let node = #"""
        set -eu
        hostname "$1"
        printf '\001ready\n'
        exec env --ignore-signal=CHLD cat > /dev/null
        """#

    /// The starter of a container's init, outside of its PID namespace, whose first child it is. `unshare --fork` would do, but for its
    /// exit code, which is 1 after SIGKILL (util-linux 2.38); a shell's is 137. The shell's own message about a signal is not
    /// part of the log.
    ///
    /// Arguments: ``container`` and its arguments.
    static let containerParent = #"""
        exec 3>&2 2>/dev/null
        /usr/bin/setpriv --pdeathsig KILL /bin/sh -c "$@" 2>&3 3>&-
        exit $?
        """#

    /// A container: a root of its own with the image's programs read-only, the volumes, and nothing else of the host.
    ///
    /// Arguments: the sandbox's folder; the folder to mount the root on; host name; `own` or `host` for its processes; `powerless` or
    /// `privileged`; greatest number of processes; `writable` or `read-only` for the root; working directory; the number of volumes; for each
    /// `rw` or `ro`, host path and path in the container; then the command.
    static let container = #"""
        set -eu
        command_path=$PATH
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        image=$1/image root=$2 host=$3 processes=$4 power=$5 limit=$6 access=$7 work=$8 volumes=$9
        shift 9
        if [ "$processes" = own ]; then
            echo 0 > /proc/sys/user/max_user_namespaces
            hostname "$host"
        fi
        mount -t tmpfs -o mode=755,size=64m root "$root"
        cd "$root"
        mkdir -p proc sys tmp run var/log var/tmp root home dev/shm
        chmod 1777 tmp var/tmp dev/shm
        place() {
            if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".${2%/*}"; [ -e ".$2" ] || : > ".$2"; fi
        }
        while read -r path; do
            place "$image$path" "$path"
            mount --bind "$image$path" ".$path"
        done < "$image/mounts.list"
        for name in bin sbin lib lib32 lib64 libx32; do
            if [ -L "$image/$name" ]; then cp -P "$image/$name" "$name"; fi
        done
        cp -RP "$image/etc" etc
        ln -s /proc/self/fd dev/fd
        for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${name#*:}" "dev/${name%:*}"; done
        while [ "$volumes" -gt 0 ]; do
            place "$2" "$3"
            mount --bind -o "$1" "$2" ".$3"
            shift 3
            volumes=$((volumes - 1))
        done
        mount -t proc -o nosuid,nodev,noexec proc proc
        if [ "$power" = powerless ]; then
            for name in sysrq-trigger kcore kmsg keys timer_list; do
                if [ -e "proc/$name" ]; then mount --bind /dev/null "proc/$name"; fi
            done
        fi
        mkdir .host
        pivot_root . .host
        umount -l .host
        rmdir .host
        if [ "$access" = read-only ]; then mount -o remount,bind,ro /; fi
        mkdir -p "$work" 2>/dev/null || :
        cd "$work"
        PATH=$command_path
        if ! command -v -- "$1" > /dev/null; then
            echo "exec: \"$1\": executable file not found in \$PATH"
            exit 127
        fi
        printf '\001ready\n'
        read -r go
        exec < /dev/null
        if [ "$power" = privileged ]; then exec /usr/bin/prlimit --nproc="$limit" --core=0 "$@"; fi
        exec /usr/bin/prlimit --nproc="$limit" --core=0 /usr/bin/setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
        """#
}
