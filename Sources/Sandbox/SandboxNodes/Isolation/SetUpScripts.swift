import SandboxStore

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
        for name in null zero full random urandom tty; do provide "/dev/$name" "/dev/$name"; done
        mkdir -p etc/ssl
        for name in ld.so.cache ld.so.conf ld.so.conf.d nsswitch.conf alternatives localtime os-release ssl/certs ssl/openssl.cnf protocols services; do
            if [ -e "/etc/$name" ]; then cp -RP "/etc/$name" "etc/$name" 2>/dev/null || :; fi
        done
        echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
        echo 'root:x:0:' > etc/group
        mkdir -p "$folder/pods" "$folder/volumes" "$folder/nodes" proc sys tmp root .host ".$folder"
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

    /// A node: a root of its own, which holds nothing of the host but the image, and of the sandbox's folder what pods write; then an init
    /// that takes care of orphans (a process that ignores SIGCHLD leaves no zombies) and ends with its standard input.
    ///
    /// A pod that may look at every process of its node sees that root (`/proc/1/root`), and nothing above it.
    ///
    /// Arguments: the node's name; the sandbox's folder.
    static let node = #"""
        set -eu
        hostname "$1"
        folder=$2
        root=$folder/image
        mount --rbind "$root" "$root"
        cd "$root"
        mount -t tmpfs -o mode=1777,size=1m tmp tmp
        # The folder is mostly in /tmp, which has just become another one.
        mkdir -p ".$folder"
        mount -t tmpfs -o mode=755,size=1m folder ".$folder"
        mkdir -p "$folder/nodes/$1" ".$folder/pods" ".$folder/volumes" ".$folder/nodes/$1"
        for part in pods volumes "nodes/$1"; do mount --bind "$folder/$part" ".$folder/$part"; done
        mount -t proc -o nosuid,nodev,noexec proc proc
        pivot_root . .host
        umount -l /.host
        cd /
        printf '\001ready\n'
        exec env --ignore-signal=CHLD cat > /dev/null
        """#

    /// The namespaces of a pod with `shareProcessNamespace`: its containers join them, and this is their first process.
    ///
    /// Arguments: host name; how many user namespaces its containers need.
    static let pod = #"""
        set -eu
        echo "$2" > /proc/sys/user/max_user_namespaces
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
    /// Arguments: the folder to mount the root on; host name; `own`, `shared` or `host` for its processes; `powerless` or `privileged`;
    /// user and group; its identifier; greatest number of processes; `writable` or `read-only` for the root; working directory; the number
    /// of volumes; for each `rw` or `ro`, its kind (``ContainerSpecification/Mount/Kind``), its path, its path among the node's own
    /// files and its path in the container; then the command.
    static let container = #"""
        set -eu
        command_path=$PATH
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        root=$1 host=$2 processes=$3 power=$4 user=$5 group=$6 identifier=$7
        shift 7
        limit=$1 access=$2 work=$3 volumes=$4 keep_owner=/opt/aftershock/keep-owner
        shift 4
        if [ "$processes" = own ]; then
            # Its user's own is the last one: a namespace of its own makes a process strong again.
            if [ "$user:$group" = 0:0 ]; then namespaces=0; else namespaces=1; fi
            echo "$namespaces" > /proc/sys/user/max_user_namespaces
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
            place "$path" "$path"
            mount --bind "$path" ".$path"
        done < /mounts.list
        for name in bin sbin lib lib32 lib64 libx32; do
            if [ -L "/$name" ]; then cp -P "/$name" "$name"; fi
        done
        cp -RP /etc etc
        mkdir dev/pts
        if mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts 2> /dev/null; then ln -s pts/ptmx dev/ptmx; fi
        ln -s /proc/self/fd dev/fd
        for name in stdin:0 stdout:1 stderr:2; do ln -s "/proc/self/fd/${name#*:}" "dev/${name%:*}"; done
        refuse() {
            echo "hostPath type check failed: $1 is not a $2"
            exit 1
        }
        while [ "$volumes" -gt 0 ]; do
            source=$3
            case $2 in
            folder) [ -e "$source" ] || mkdir -p "$source" ;;
            host:*)
                # Files that pods have put on the node hide those that every node has.
                if [ ! -e "$source" ] && [ -e "$4" ] && [ "$4" != / ]; then source=$4; fi
                if [ ! -e "$source" ]; then
                    case $2 in
                    host: | host:DirectoryOrCreate) mkdir -p "$source" ;;
                    host:FileOrCreate) mkdir -p "${source%/*}" && : > "$source" ;;
                    esac
                fi
                case $2 in
                host:Directory*) [ -d "$source" ] || refuse "$4" directory ;;
                host:File*) [ -f "$source" ] || refuse "$4" file ;;
                host:Socket) [ -S "$source" ] || refuse "$4" socket ;;
                host:CharDevice) [ -c "$source" ] || refuse "$4" "character device" ;;
                host:BlockDevice) [ -b "$source" ] || refuse "$4" "block device" ;;
                esac
                ;;
            esac
            place "$source" "$5"
            mount --bind -o "$1" "$source" ".$5"
            shift 5
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
        AFTERSHOCK_CONTAINER_ID=$identifier
        export AFTERSHOCK_CONTAINER_ID
        if [ -x "$keep_owner" ]; then set -- "$keep_owner" "$@"; fi
        if [ "$power" = powerless ]; then
            # A user other than root has no power left to give up.
            if [ "$user" = 0 ]; then set -- --bounding-set=-all --inh-caps=-all -- "$@"; else set -- -- "$@"; fi
            set -- /usr/bin/setpriv --no-new-privs "$@"
        fi
        if [ "$user:$group" != 0:0 ]; then
            set -- /usr/bin/unshare --user --map-user="$user" --map-group="$group" -- "$@"
        fi
        exec /usr/bin/prlimit --nproc="$limit" --core=0 "$@"
        """#
}
