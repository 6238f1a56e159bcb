import Foundation
import SandboxStore

/// The host's programs that change users and namespaces (util-linux), by their absolute paths.
struct HostTools: Sendable {
    let unshare: String
    let nsenter: String
    let setpriv: String
    let shell: String

    /// The path given to every container that sets none, and where the tools themselves are looked for.
    static let standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The programs that the set-up scripts call by name.
    private static let scriptTools = ["mount", "umount", "pivot_root", "prlimit", "hostname", "env", "cat", "cp", "mkdir", "rm"]

    /// - Throws: ``IsolationError/Code/missingTool`` with the names of all programs that are missing.
    static func locate(path: String = standardPath) throws(IsolationError) -> HostTools {
        let folders = path.split(separator: ":")
        func find(_ name: String) -> String? {
            folders.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
        }
        let missing = (["unshare", "nsenter", "setpriv", "sh"] + scriptTools).filter { find($0) == nil }
        guard missing.isEmpty, let unshare = find("unshare"), let nsenter = find("nsenter"), let setpriv = find("setpriv"),
            let shell = find("sh")
        else {
            throw IsolationError(
                .missingTool,
                "the sandbox needs \(missing.joined(separator: ", ")) in \(path) (Debian: apt install util-linux coreutils hostname)")
        }
        return HostTools(unshare: unshare, nsenter: nsenter, setpriv: setpriv, shell: shell)
    }

    /// Becomes the sandbox's own user for good. That the spawning library could do too, but only between a fork and the exec; there, in a
    /// program with threads, glibc's setuid can wait forever for a thread that the child has not got (nptl(7)).
    func becoming(_ identity: ProcessIdentity) -> [String] {
        identity.id.map { [setpriv, "--reuid=\($0)", "--regid=\($0)", "--clear-groups", "--"] } ?? []
    }

    /// A new user namespace, in which the caller is root and nothing outside of it is, with everything else that a machine, a node or a
    /// container has of its own; and in them a first process. The network stays the host's.
    func newNamespaces() -> [String] {
        [
            unshare, "--user", "--map-root-user", "--pid", "--mount", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
            "--propagation", "private", "--",
        ]
    }

    /// The same for a container, whose init is to be forked off next.
    func containerNamespaces() -> [String] {
        [unshare, "--user", "--map-root-user", "--pid", "--mount", "--uts", "--ipc", "--propagation", "private", "--"]
    }

    /// A mount namespace alone: for a pod that shares the node's processes (`hostPID`).
    func newMountNamespace() -> [String] { [unshare, "--mount", "--propagation", "private", "--"] }

    /// Enters all namespaces of a process.
    func entering(_ pid: pid_t) -> [String] {
        [nsenter, "--target", String(pid), "--user", "--pid", "--mount", "--uts", "--ipc", "--preserve-credentials", "--"]
    }

    /// Gives up every privilege, in this namespace too, for good. A user other than root has none to give up there.
    func powerless(isRoot: Bool) -> [String] {
        [setpriv, "--no-new-privs"] + (isRoot ? ["--bounding-set=-all", "--inh-caps=-all"] : []) + ["--"]
    }
}
