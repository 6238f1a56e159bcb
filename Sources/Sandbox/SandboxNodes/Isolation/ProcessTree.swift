import Foundation
import SandboxStore

/// Processes by their parents (proc(5), `/proc/PID/task/TID/children`), in the host's numbering.
enum ProcessTree {
    static func children(of pid: pid_t) -> [pid_t] {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .ascii)) ?? ""
        return text.split(separator: " ").compactMap { pid_t($0) }
    }

    /// Follows first children down.
    static func descendant(of pid: pid_t, generations: Int) -> pid_t? {
        var pid = pid
        for _ in 0..<generations {
            guard let child = children(of: pid).first else { return nil }
            pid = child
        }
        return pid
    }

    /// Kills what a chain of programs has started, and the chain itself only if it has started nothing yet: it must live to take its child's
    /// end, which in the child's PID namespace nobody else may care for.
    static func killDescendants(of chain: pid_t) {
        func kill(_ pid: pid_t) {
            let below = children(of: pid)
            _ = Glibc.kill(pid, SIGKILL)
            for child in below { kill(child) }
        }
        let started = children(of: chain)
        if started.isEmpty { _ = Glibc.kill(chain, SIGKILL) }
        for child in started { kill(child) }
    }
}
