/// The mounts of a container, from its `/proc/self/mountinfo`.
///
/// Source: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
struct MountTable: Sendable, Hashable {
    struct Mount: Sendable, Hashable {
        /// `major:minor`.
        var device: String
        /// The mounted folder of the filesystem.
        var root: String
        var point: String
        var type: String
    }

    var mounts: [Mount]

    init(_ text: String) {
        mounts = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 1 else { return nil }
            return Mount(device: fields[2], root: fields[3], point: fields[4], type: fields[dash + 1])
        }
    }

    /// The types of filesystem that several machines or containers write to.
    private static let shared: Set<String> = ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs", "overlay", "lustre"]

    /// The files that the kubelet mounts into every container from its own disk.
    private static let kubelets: Set<String> = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/termination-log"]

    /// The other users of a filesystem, which its filling would hit.
    enum Sharing: Sendable, Hashable {
        case nobody
        /// Other users, described in words.
        case others(String)
        /// Everything on the node.
        case node(String)
    }

    func sharing(of point: String) -> Sharing {
        // Of two mounts at one place, the later one hides the earlier one.
        guard let mount = mounts.last(where: { $0.point == point }) else {
            return .node("nothing is mounted on \(point): it is part of the container")
        }
        let nodes = mounts.filter { Self.kubelets.contains($0.point) || $0.point == "/" }.map(\.device)
        if nodes.contains(mount.device) { return .node("\(point) is a folder of the node's own disk") }
        if Self.shared.contains(mount.type) || mount.type.hasPrefix("fuse") {
            return .others("\(point) is on a filesystem (\(mount.type)) that others share")
        }
        if mount.root != "/" { return .others("\(point) is the folder \(mount.root) of a larger filesystem") }
        return .nobody
    }
}
