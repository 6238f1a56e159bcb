import Glibc
import SandboxStore

/// The number of files that this process may have open (getrlimit(2), `ulimit -n`).
enum OpenFileLimit {
    /// The need of a cluster: the control plane and its event loops, some for each node, and those of a few dozen containers and clients.
    private static func need(nodes: Int) -> rlim_t { 256 + 32 * rlim_t(max(nodes, 1)) }

    /// Raises the limit as far as this process may, when it is too low.
    static func ensure(nodes: Int) throws(SandboxError) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return }
        let need = need(nodes: nodes)
        guard limit.rlim_cur < need else { return }
        guard limit.rlim_max >= need else {
            throw SandboxError(
                "a sandbox of \(nodes) node\(nodes == 1 ? "" : "s") needs \(need) open files, and this process may have \(limit.rlim_max): "
                    + "raise the limit (ulimit -n \(need)) and start again")
        }
        limit.rlim_cur = need
        _ = setrlimit(resource, &limit)
    }
}
