import Foundation

/// A file or folder of the host that every container sees, read-only.
struct Provision: Sendable, Hashable {
    let hostPath: String
    let path: String
}

/// The outermost namespaces of one sandbox: everything it runs is in them, and they end with the harness, however that ends.
///
/// Inside, processes have the powers of root over their own namespaces and over nothing else: outside they are an ordinary user's
/// (user_namespaces(7), pid_namespaces(7)).
final class IsolatedMachine: Sendable {
    let directory: String
    let identity: ProcessIdentity
    let tools: HostTools
    private let process: NamespaceProcess

    private init(directory: String, identity: ProcessIdentity, tools: HostTools, process: NamespaceProcess) {
        self.directory = directory
        self.identity = identity
        self.tools = tools
        self.process = process
    }

    /// - Parameters:
    ///   - directory: A folder of the sandbox's own; removed with everything in it at the end unless `keepsDirectory`.
    ///   - provisions: What containers see besides `/usr` and a minimal `/etc` and `/dev`.
    static func start(
        directory: String, keepsDirectory: Bool = false, provisions: [Provision] = [], as identity: ProcessIdentity = .current(offset: 0)
    ) async throws(IsolationError) -> IsolatedMachine {
        let tools = try HostTools.locate()
        try identity.own(directory)
        let arguments =
            tools.becoming(identity) + tools.newNamespaces() + [
                tools.shell, "-c", SetUpScripts.machine, "sandbox", directory, keepsDirectory ? "keep" : "remove",
            ]
            + provisions.flatMap { [$0.hostPath, $0.path] }
        do {
            let process = try await NamespaceProcess.start(arguments, depth: 1)
            return IsolatedMachine(directory: directory, identity: identity, tools: tools, process: process)
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
        let arguments = entering(process) + tools.newNamespaces() + [tools.shell, "-c", SetUpScripts.node, "node", name]
        return NodeNamespace(machine: self, process: try await NamespaceProcess.start(arguments, depth: 2))
    }

    /// Enters, as the sandbox's own user, all namespaces of one of its processes.
    func entering(_ process: NamespaceProcess) -> [String] { tools.becoming(identity) + tools.entering(process.initPID) }

    /// A folder that the sandbox's processes can use.
    @discardableResult
    func makeFolder(_ path: String) throws(IsolationError) -> String {
        var built = directory
        for part in path.split(separator: "/") {
            built += "/\(part)"
            if mkdir(built, 0o755) == 0 {
                try identity.own(built)
            } else if errno != EEXIST {
                throw IsolationError(.startFailed, "cannot make \(built): \(String(cString: strerror(errno)))")
            }
        }
        return built
    }

    /// Ends everything inside and waits until it is gone.
    func stop() async {
        process.closeInput()
        _ = await process.exit
    }

    /// The end of everything inside, from whatever cause.
    func waitUntilGone() async { _ = await process.exit }
}
