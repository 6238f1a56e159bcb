import Foundation

/// A container's program and its surroundings.
struct ContainerSpecification: Sendable {
    struct Mount: Sendable {
        let hostPath: String
        let path: String
        let isReadOnly: Bool
    }

    var command: [String]
    var environment: [String: String] = [:]
    var hostName = "localhost"
    var workingDirectory = "/"
    var mounts: [Mount] = []
    var isRootReadOnly = false
    /// `hostPID`: it sees and can signal every process of its node.
    var sharesNodeProcesses = false
    /// Keeps the powers over its node's namespaces (never over anything outside).
    var isPrivileged = false
    /// The most processes and threads its user may have (setrlimit(2), RLIMIT_NPROC).
    var processLimit = 512
    /// Where its root is mounted: an empty folder of its own.
    var rootFolder: String
}

/// A node's namespaces. SIGKILL to its init is a power cut: everything on the node is gone at once.
final class NodeNamespace: Sendable {
    private let machine: IsolatedMachine
    private let process: NamespaceProcess

    init(machine: IsolatedMachine, process: NamespaceProcess) {
        self.machine = machine
        self.process = process
    }

    var initPID: pid_t { process.initPID }

    func powerOff() async {
        process.kill()
        _ = await process.exit
    }

    func startContainer(
        _ specification: ContainerSpecification, onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(IsolationError) -> ContainerNamespace {
        let tools = machine.tools
        var arguments = machine.entering(process)
        arguments += specification.sharesNodeProcesses ? tools.newMountNamespace() : tools.containerNamespaces()
        arguments += [
            tools.shell, "-c", SetUpScripts.containerParent, "container", SetUpScripts.container, "container", machine.directory,
            specification.rootFolder, specification.hostName,
            specification.sharesNodeProcesses ? "host" : "own", specification.isPrivileged ? "privileged" : "powerless",
            String(specification.processLimit), specification.isRootReadOnly ? "read-only" : "writable", specification.workingDirectory,
            String(specification.mounts.count),
        ]
        arguments += specification.mounts.flatMap { [$0.isReadOnly ? "ro" : "rw", $0.hostPath, $0.path] }
        arguments += specification.command
        let environment = Self.safe(specification.environment)
        let process = try await NamespaceProcess.start(arguments, environment: environment, depth: 2, onOutput: onOutput)
        return ContainerNamespace(machine: machine, process: process, environment: environment, specification: specification)
    }

    /// The environment passes through host programs on its way in, so it must not steer the dynamic linker.
    private static func safe(_ environment: [String: String]) -> [String: String] {
        var result = environment.filter { !$0.key.hasPrefix("LD_") && !$0.key.hasPrefix("GLIBC_") && $0.key != "GCONV_PATH" }
        if result["PATH"] == nil { result["PATH"] = HostTools.standardPath }
        if result["HOME"] == nil { result["HOME"] = "/root" }
        if result["HOSTNAME"] == nil { result["HOSTNAME"] = "localhost" }
        return result
    }
}

/// One running container.
final class ContainerNamespace: Sendable {
    private let machine: IsolatedMachine
    private let process: NamespaceProcess
    private let environment: [String: String]
    private let specification: ContainerSpecification

    init(machine: IsolatedMachine, process: NamespaceProcess, environment: [String: String], specification: ContainerSpecification) {
        self.machine = machine
        self.process = process
        // An exec'd program is not the container: a search for the container's own processes must not find it.
        self.environment = environment.filter { $0.key != ContainerNamespace.identifierVariable }
        self.specification = specification
    }

    /// Names the container to helper pods that look for its processes: cgroups, where a real runtime puts the id, need real root.
    static let identifierVariable = "AFTERSHOCK_CONTAINER_ID"

    var initPID: pid_t { process.initPID }

    var exit: ProcessExit { get async { await process.exit } }

    /// Asks the container to end (SIGTERM).
    func terminate() { process.signal(SIGTERM) }

    func kill() {
        if specification.sharesNodeProcesses { process.killGroup() } else { process.kill() }
    }

    /// Runs a program inside; its environment is the container's.
    func exec(_ command: [String], wantsInput: Bool = false, hasTerminal: Bool = false) -> ContainerExec {
        var arguments = machine.entering(process)
        arguments += ["/usr/bin/prlimit", "--nproc=\(specification.processLimit)", "--core=0"]
        if !specification.isPrivileged { arguments += machine.tools.powerless() }
        arguments += command
        return ContainerExec(arguments: arguments, environment: environment, wantsInput: wantsInput, hasTerminal: hasTerminal)
    }
}
