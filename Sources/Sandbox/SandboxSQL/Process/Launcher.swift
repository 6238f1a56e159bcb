import Glibc

/// The first of the two processes of SQL Server: starts the server, hands signals on to it and ends with it.
///
/// As PID 1 of a container it also takes in every orphan.
struct Launcher {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// Blocks until the server has ended.
    ///
    /// - Returns: the server's exit code, or 128 and the number of the signal that ended it.
    func run() throws -> Int32 {
        var signals = ProcessEnvironment.blockStopSignals(andAlso: [SIGCHLD])
        // The server sees its launcher's end as the end of this pipe, whatever the launcher died of.
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0, fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0 else { throw failure("make a pipe", errno) }
        let server = try spawn(lifeline: ends[0])
        close(ends[0])
        while true {
            var signal: Int32 = 0
            guard sigwait(&signals, &signal) == 0 else { continue }
            if signal != SIGCHLD {
                kill(server, SIGTERM)
                continue
            }
            if let code = reap(server) { return code }
        }
    }

    /// Takes in what has ended; the exit code once it was the server.
    private func reap(_ server: pid_t) -> Int32? {
        var code: Int32?
        var status: Int32 = 0
        while case let ended = waitpid(-1, &status, WNOHANG), ended > 0 {
            guard ended == server else { continue }
            // As the macros of <sys/wait.h> read the status.
            let signal = status & 0x7F
            code = signal == 0 ? status >> 8 & 0xFF : 128 + signal
        }
        return code
    }

    private func spawn(lifeline: Int32) throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let arguments = [ProcessEnvironment.path] + CommandLine.arguments.dropFirst()
        let environment = ProcessEnvironment.childEnvironment(lifeline: lifeline)
        var pid: pid_t = 0
        let code = withStrings(arguments) { arguments in
            withStrings(environment) { environment in posix_spawn(&pid, "/proc/self/exe", nil, &attributes, arguments, environment) }
        }
        guard code == 0 else { throw failure("start the server", code) }
        return pid
    }

    private func withStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }

    private func failure(_ what: String, _ code: Int32) -> Failure {
        Failure(description: "cannot \(what): \(String(cString: strerror(code)))")
    }
}
