import NIOCore
import TDS

/// The first login of a run, at an address that may not lead to the server yet.
///
/// That a pod is Ready says nothing of when its Service's address leads to it. An EndpointSlice that changed meanwhile is written again
/// after a second or more ([#92928](https://github.com/kubernetes/kubernetes/issues/92928)); kube-proxy gathers changes for a second by
/// default ([minSyncPeriod](https://kubernetes.io/docs/reference/networking/virtual-ips/#minsyncperiod)); a cloud's load balancer has its
/// own pace. A run that begins when a rollout has ended may be refused for that long.
struct FirstLogin<Time: Clock<Duration>>: Sendable {
    struct Failure: Error {
        var error: TDSError
        /// Since the first attempt; less than an attempt where there was only one.
        var waited: Duration
    }

    struct Success {
        /// As the server names itself, with its version.
        var serverVersion: String
        /// The result of the first attempt, and the time for which nothing else came; `nil` when that one succeeded.
        var lag: Failure?
    }

    let server: TDSConfiguration
    let eventLoop: any EventLoop
    let clock: Time
    /// For how long attempts are begun.
    let timeout: Duration

    /// Logs in and closes the connection. Attempts that met no server are repeated; what a server has answered stands.
    func run() async throws(Failure) -> Success {
        let began = clock.now
        var first: TDSError?
        while true {
            do throws(TDSError) {
                let connection = try await TDSConnection.connect(server, on: eventLoop)
                let version = "\(connection.serverVersion)"
                await connection.close()
                return Success(serverVersion: version, lag: first.map { Failure(error: $0, waited: began.duration(to: clock.now)) })
            } catch {
                let waited = began.duration(to: clock.now)
                guard error.metNoServer, waited < timeout, (try? await clock.sleep(for: Self.pause)) != nil else {
                    throw Failure(error: error, waited: waited)
                }
                first = first ?? error
            }
        }
    }

    private static var pause: Duration { .milliseconds(200) }
}

extension TDSError {
    /// Returns whether only the way to the server may be missing. A server that refuses a login, or speaks another protocol, is there.
    fileprivate var metNoServer: Bool { [.refused, .unreachable, .timeout, .reset, .eof].contains(code) }
}
