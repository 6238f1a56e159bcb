import Testing

@testable import Fault

/// Which volumes may be filled without anybody else being hit.
@Suite struct MountTableTests {
    /// A container's mounts: its root, the kubelet's files on the node's disk, and `volume`.
    private static func sharing(_ volume: String) -> MountTable.Sharing {
        MountTable(
            """
            812 600 0:51 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a,upperdir=/b
            813 812 0:55 / /proc rw,nosuid - proc proc rw
            820 812 8:1 /var/lib/kubelet/pods/u/etc-hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw
            821 812 8:1 /var/lib/kubelet/pods/u/containers/c/1 /dev/termination-log rw,relatime - ext4 /dev/sda1 rw
            \(volume)
            """
        ).sharing(of: "/var/opt/mssql")
    }

    @Test func aDiskOfItsOwnHitsNobody() {
        #expect(Self.sharing("830 812 8:32 / /var/opt/mssql rw,relatime - ext4 /dev/sdc rw") == .nobody)
        #expect(Self.sharing("830 812 0:60 / /var/opt/mssql rw,relatime shared:7 master:2 - tmpfs tmpfs rw") == .nobody)
    }

    @Test(arguments: [
        // local-path and hostPath: a folder of the node's disk.
        "830 812 8:1 /opt/local-path-provisioner/pvc-1 /var/opt/mssql rw,relatime - ext4 /dev/sda1 rw",
        // Nothing is mounted there: it is a folder of the container.
        "830 812 8:32 / /somewhere/else rw,relatime - ext4 /dev/sdc rw",
        // The container's own overlay.
        "830 812 0:51 / /var/opt/mssql rw,relatime - overlay overlay rw",
        // The later mount hides the earlier one.
        "830 812 8:32 / /var/opt/mssql rw - ext4 /dev/sdc rw\n831 812 8:1 /x /var/opt/mssql rw - ext4 /dev/sda1 rw",
    ])
    func theNodesDiskIsNeverFilled(_ volume: String) {
        guard case .node = Self.sharing(volume) else {
            Issue.record("\(Self.sharing(volume))")
            return
        }
    }

    @Test(arguments: [
        "830 812 0:70 / /var/opt/mssql rw,relatime - nfs4 10.0.0.1:/export rw",
        "830 812 0:71 / /var/opt/mssql rw,relatime - cifs //a/b rw",
        "830 812 0:72 / /var/opt/mssql rw,relatime - fuse.s3fs s3fs rw",
        // subPath, or a folder of a larger disk.
        "830 812 8:32 /sub /var/opt/mssql rw,relatime - ext4 /dev/sdc rw",
    ])
    func aSharedFilesystemHitsOthers(_ volume: String) {
        guard case .others = Self.sharing(volume) else {
            Issue.record("\(Self.sharing(volume))")
            return
        }
    }
}
