import Foundation
import SandboxStore

/// A container's program and its surroundings.
struct ContainerSpecification: Sendable {
    struct Mount: Sendable {
        /// Names the thing that has to be there. The set-up script makes it, because inside of the namespaces no link leads out.
        enum Kind: Sendable {
            case present
            /// A folder that is made where it is missing.
            case folder
            /// `hostPath` with its `type`: in the node's folder, or else among the node's own files.
            case host(type: String, path: String)
        }

        let hostPath: String
        let path: String
        let isReadOnly: Bool
        var kind = Kind.present

        fileprivate var words: [String] {
            let (kind, own) =
                switch kind {
                case .present: ("present", "/")
                case .folder: ("folder", "/")
                case .host(let type, let path): ("host:\(type)", path)
                }
            return [isReadOnly ? "ro" : "rw", kind, hostPath, own, path]
        }
    }

    /// Whose processes share its PID namespace.
    enum Processes: String, Sendable {
        case own
        /// Those of its pod (`shareProcessNamespace`).
        case shared
        /// Those of its node (`hostPID`).
        case host
    }

    var command: [String]
    var environment: [String: String] = [:]
    var hostName = "localhost"
    var workingDirectory = "/"
    var mounts: [Mount] = []
    var isRootReadOnly = false
    var processes = Processes.own
    /// Who it runs as. The machine has one user: that user gets this number, and so do all files.
    var user: UInt32 = 0
    var group: UInt32 = 0
    /// Names the container to helper pods that look for its processes: cgroups, where a real runtime puts the name, need real root. Its first
    /// process has it in its environment, and so have those that this one starts, but no program that is run in it (`exec`).
    var identifier = ""
    /// Keeps the powers over its node's namespaces (never over anything outside).
    var isPrivileged = false
    /// The most processes and threads its user may have (setrlimit(2), RLIMIT_NPROC).
    var processLimit = 512
    /// Where its root is mounted: an empty folder of its own.
    var rootFolder: String
}

/// A node's namespaces. SIGKILL to its init is a power cut: everything on the node is gone at once.
package final class NodeNamespace: Sendable {
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

    /// A pod whose containers share their processes: started like a node, on this one.
    func startPod(hostName: String, userNamespaces: Int) async throws(IsolationError) -> NodeNamespace {
        let arguments =
            machine.entering(process) + machine.tools.newNamespaces() + [
                machine.tools.shell, "-c", SetUpScripts.pod, "pod", hostName, String(userNamespaces),
            ]
        return NodeNamespace(machine: machine, process: try await NamespaceProcess.start(arguments, depth: 2))
    }

    func startContainer(
        _ specification: ContainerSpecification, onOutput: @escaping @Sendable ([UInt8]) -> Void
    ) async throws(IsolationError) -> ContainerNamespace {
        let tools = machine.tools
        var arguments = machine.entering(process)
        arguments += specification.processes == .own ? tools.containerNamespaces() : tools.newMountNamespace()
        arguments += [
            tools.shell, "-c", SetUpScripts.containerParent, "container", SetUpScripts.container, "container",
            specification.rootFolder, specification.hostName, specification.processes.rawValue,
            specification.isPrivileged ? "privileged" : "powerless", String(specification.user), String(specification.group),
            specification.identifier, String(specification.processLimit), specification.isRootReadOnly ? "read-only" : "writable",
            specification.workingDirectory, String(specification.mounts.count),
        ]
        arguments += specification.mounts.flatMap(\.words)
        arguments += specification.command
        let environment = Self.safe(specification.environment)
        let process = try await NamespaceProcess.start(arguments, environment: environment, depth: 2, onOutput: onOutput)
        return ContainerNamespace(
            machine: machine, node: self.process, process: process, environment: environment, specification: specification)
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
package final class ContainerNamespace: Sendable {
    private let machine: IsolatedMachine
    private let node: NamespaceProcess
    private let process: NamespaceProcess
    private let environment: [String: String]
    private let specification: ContainerSpecification

    init(
        machine: IsolatedMachine, node: NamespaceProcess, process: NamespaceProcess, environment: [String: String],
        specification: ContainerSpecification
    ) {
        self.machine = machine
        self.node = node
        self.process = process
        self.environment = environment
        self.specification = specification
    }

    var initPID: pid_t { process.initPID }

    var exit: ProcessExit { get async { await process.exit } }

    /// Asks the container to end (SIGTERM).
    func terminate() { process.signal(SIGTERM) }

    func kill() {
        if specification.processes == .own { process.kill() } else { process.killGroup() }
    }

    /// Runs a program inside; its environment is the container's.
    func exec(_ command: [String], wantsInput: Bool = false, hasTerminal: Bool = false) -> ContainerExec {
        let isMachineUser = specification.user == 0 && specification.group == 0
        var arguments = isMachineUser ? machine.entering(process) : machine.entering(process, by: node)
        arguments += ["/usr/bin/prlimit", "--nproc=\(specification.processLimit)", "--core=0"]
        if !specification.isPrivileged { arguments += machine.tools.powerless(isRoot: specification.user == 0) }
        if machine.keepsOwners { arguments.append(IsolatedMachine.keepOwnerPath) }
        // In there, or the shell would not find its own process group on the terminal.
        if hasTerminal { arguments += ["/usr/bin/setsid", "--ctty", "--wait"] }
        arguments += command
        var environment = environment
        if hasTerminal, environment["TERM"] == nil { environment["TERM"] = "xterm" }
        return ContainerExec(arguments: arguments, environment: environment, wantsInput: wantsInput, hasTerminal: hasTerminal)
    }
}
