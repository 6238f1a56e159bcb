import NIOCore
import TDS

/// The first login of a run, at an address that may not lead to the server yet.
///
/// A pod that is Ready need not be reachable yet under its Service's address. An EndpointSlice that changed meanwhile is written again
/// after a second or more ([#92928](https://github.com/kubernetes/kubernetes/issues/92928)); kube-proxy gathers changes for a second by
/// default ([minSyncPeriod](https://kubernetes.io/docs/reference/networking/virtual-ips/#minsyncperiod)); a cloud's load balancer has its
/// own pace. A run that begins when a rollout has ended may be refused for that long.
struct FirstLogin<Time: Clock<Duration>>: Sendable {
    struct Failure: Error {
        var error: TDSError
        /// The time since the first attempt began.
        var waited: Duration
    }

    struct Success {
        /// The server's name and version, as it states them.
        var serverVersion: String
        /// The error of the first attempt, and the time until one succeeded; `nil` if the first one did.
        var lag: Failure?
    }

    let server: TDSConfiguration
    let eventLoop: any EventLoop
    let clock: Time
    /// The time within which a new attempt may begin.
    let timeout: Duration

    /// Logs in and closes the connection. Retries if no server was reached; the answer of a server is final.
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
    /// Returns whether the server may just not be reachable yet. A server that refuses a login, or speaks another protocol, was reached.
    fileprivate var metNoServer: Bool { [.refused, .unreachable, .timeout, .reset, .eof].contains(code) }
}
