import Foundation
import SandboxStore

/// A file or folder of the host that every container sees, read-only.
package struct HostMount: Sendable, Hashable {
    let hostPath: String
    package let path: String
}

/// The outermost namespaces of one sandbox: everything it runs is in them, and they end with the harness, however that ends.
///
/// Inside, processes have the powers of root over their own namespaces and over nothing else: outside they are an ordinary user's
/// (user_namespaces(7), pid_namespaces(7)).
package final class IsolatedMachine: Sendable {
    package let directory: String
    package let identity: ProcessIdentity
    let tools: HostTools
    /// Containers have the program that lets changes of owners pass: this machine has only one owner.
    let keepsOwners: Bool
    private let process: NamespaceProcess

    /// Where containers see that program.
    package static let keepOwnerPath = "/opt/aftershock/keep-owner"

    private init(directory: String, identity: ProcessIdentity, tools: HostTools, keepsOwners: Bool, process: NamespaceProcess) {
        self.keepsOwners = keepsOwners
        self.directory = directory
        self.identity = identity
        self.tools = tools
        self.process = process
    }

    /// - Parameters:
    ///   - directory: A folder of the sandbox's own; removed with everything in it at the end unless `keepsDirectory`.
    ///   - hostMounts: What containers see besides `/usr` and a minimal `/etc` and `/dev`.
    package static func start(
        directory: String, keepsDirectory: Bool = false, hostMounts: [HostMount] = [], as identity: ProcessIdentity = .current(offset: 0)
    ) async throws(IsolationError) -> IsolatedMachine {
        let tools = try HostTools.locate()
        try identity.own(directory)
        let arguments =
            tools.becoming(identity) + tools.newNamespaces() + [
                tools.shell, "-c", SetUpScripts.machine, "sandbox", directory, keepsDirectory ? "keep" : "remove",
            ]
            + hostMounts.flatMap { [$0.hostPath, $0.path] }
        do {
            let process = try await NamespaceProcess.start(arguments, depth: 1)
            return IsolatedMachine(
                directory: directory, identity: identity, tools: tools,
                keepsOwners: hostMounts.contains { $0.path == keepOwnerPath }, process: process)
        } catch {
            throw IsolationError(.namespacesForbidden, explanation(of: error.description))
        }
    }

    private static func explanation(of failure: String) -> String {
        """
        the sandbox's pods cannot run here: \(failure)
        They need user, PID and mount namespaces. What may forbid them: user.max_user_namespaces = 0 or kernel.unprivileged_userns_clone = 0 \
        (sysctl), kernel.apparmor_restrict_unprivileged_userns = 1 (Ubuntu 24.04), or a container without --security-opt \
        seccomp=unconfined --security-opt systempaths=unconfined. Against a real cluster nothing of this is needed.
        """
    }

    func startNode(_ name: String) async throws(IsolationError) -> NodeNamespace {
        let arguments = entering(process) + tools.newNamespaces() + [tools.shell, "-c", SetUpScripts.node, "node", name, directory]
        return NodeNamespace(machine: self, process: try await NamespaceProcess.start(arguments, depth: 2))
    }

    /// Enters, as the sandbox's own user, all namespaces of one of its processes.
    func entering(_ process: NamespaceProcess) -> [String] { tools.becoming(identity) + tools.entering(process.initPID) }

    /// The same for one whose user namespace is not the one that its other namespaces belong to: those are entered with the powers of its
    /// node, and that one last.
    func entering(_ process: NamespaceProcess, by node: NamespaceProcess) -> [String] {
        tools.becoming(identity) + [tools.nsenter, "--target", String(node.initPID), "--user", "--preserve-credentials", "--"]
            + tools.entering(process.initPID)
    }

    /// A folder that the sandbox's processes can use.
    @discardableResult
    func makeFolder(_ path: String) throws(IsolationError) -> String {
        close(try openFolder(path))
        return "\(directory)/\(path)"
    }

    /// A file that the sandbox's processes can use.
    @discardableResult
    package func write(_ content: some Sequence<UInt8>, to name: String, in folder: String) throws(IsolationError) -> String {
        let parent = try openFolder(folder)
        defer { close(parent) }
        let file = openat(parent, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("write", "\(folder)/\(name)") }
        defer { close(file) }
        try identity.own(file, name)
        var rest = ArraySlice(Array(content))
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("write", "\(folder)/\(name)") }
            rest = rest.dropFirst(count)
        }
        return "\(directory)/\(folder)/\(name)"
    }

    /// Pods write below this folder too, and this process may be root: it follows none of their links.
    private func openFolder(_ path: String) throws(IsolationError) -> Int32 {
        var folder = open(directory, O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("open", "") }
        for part in path.split(separator: "/").map(String.init) {
            let parent = folder
            defer { close(parent) }
            guard part != "..", part != "." else { throw IsolationError(.startFailed, "\(path) is no path inside of the sandbox's folder") }
            let isNew = mkdirat(parent, part, 0o755) == 0
            let next = openat(parent, part, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard next >= 0 else { throw failure("make", path) }
            if isNew { try identity.own(next, path) }
            folder = next
        }
        return folder
    }

    private func failure(_ what: String, _ path: String) -> IsolationError {
        IsolationError(.startFailed, "cannot \(what) \(directory)/\(path): \(String(cString: strerror(errno)))")
    }

    /// Ends everything inside and waits until it is gone.
    package func stop() async {
        process.closeInput()
        _ = await process.exit
    }
}
