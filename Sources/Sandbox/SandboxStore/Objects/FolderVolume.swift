/// The names of the sandbox's storage: each of its volumes is a folder of this machine.
package enum FolderVolume {
    /// The `provisioner` of the storage classes that the sandbox serves.
    package static let provisioner = "aftershock.dev/folder"
    /// The `attacher` of its volume attachments.
    package static let driver = "folder.aftershock.dev"

    /// The name of a volume in `node.status.volumesInUse`.
    package static func uniqueName(_ volume: String) -> String { "kubernetes.io/csi/\(driver)^\(volume)" }
}
