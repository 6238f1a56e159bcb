import Foundation
import Glibc

/// This process's identity on the system.
enum ProcessEnvironment {
    /// Set by the launcher for its child.
    private static let roleVariable = "SANDBOX_SQL_ROLE"
    /// The pipe whose end says that the launcher is gone.
    private static let lifelineVariable = "SANDBOX_SQL_LIFELINE"
    /// The names of both processes, as those of SQL Server.
    static let name = "sqlservr"
    static let path = "/opt/mssql/bin/sqlservr"

    static var current: [String: String] { ProcessInfo.processInfo.environment }
    static var isServer: Bool { current[roleVariable] == "server" }
    static var lifeline: Int32? { current[lifelineVariable].flatMap { Int32($0) } }

    /// Sets what `ps` and /proc call the process, which is the name of its main thread.
    static func nameProcess() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/comm") else { return }
        file.write(Data(name.utf8))
        try? file.close()
    }

    static func childEnvironment(lifeline: Int32) -> [String] {
        var environment = current
        environment[roleVariable] = "server"
        environment[lifelineVariable] = String(lifeline)
        return environment.map { "\($0.key)=\($0.value)" }
    }

    /// The signals that stop a server, with their handling left to a thread that waits for them.
    static func blockStopSignals(andAlso others: [Int32] = []) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT] + others { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return set
    }
}
