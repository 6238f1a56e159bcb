import Foundation
import SandboxStore

/// The folder that holds a sandbox's volumes, logs and kubeconfig.
struct ClusterFolder: Sendable {
    let path: String
    private let isTemporary: Bool

    /// - Parameter given: a folder to use and to keep; `nil` makes a new one that only its owner may enter.
    init(_ given: String?) throws {
        isTemporary = given == nil
        if let given {
            path = URL(fileURLWithPath: given).standardizedFileURL.path
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            return
        }
        let parent = FileManager.default.temporaryDirectory.path
        var template = Array("\(parent)/aftershock-sandbox-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            let reason = String(cString: strerror(errno))
            throw SandboxError("no folder can be made in \(parent): \(reason); set TMPDIR to a folder that can be written to")
        }
        path = String(cString: made)
    }

    /// Deletes a temporary folder with all that is in it.
    func remove() {
        guard isTemporary else { return }
        // A file that cannot be deleted (another user's, say) is no reason to fail: the operating system cleans its temporary folder.
        try? FileManager.default.removeItem(atPath: path)
    }
}
