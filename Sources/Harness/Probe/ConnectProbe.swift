import Experiment
import Journal
import NIOCore
import NIOPosix
import Network
import TDS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A TCP connect to the service's address, closed at once.
struct ConnectProbe: Sendable {
    let context: ProbeContext

    func run(deadline: RunTime) async -> ProbeOutcome {
        var outcome = ProbeOutcome()
        let server = context.server
        guard let address = await AddressLookup.resolve(server.host, port: server.port, deadline: deadline, context, &outcome) else {
            return outcome
        }
        let remaining = deadline - context.clock.now
        guard remaining > .zero else {
            outcome.failure = Failure(phase: "tcp", kind: "timeout")
            return outcome
        }
        let asked = NIOLoopBoundBox(context.clock.now, eventLoop: context.eventLoop)
        let (result, answered) = await ClientBootstrap(group: context.eventLoop)
            .connectTimeout(.nanoseconds(remaining.wholeNanoseconds))
            .channelInitializer { channel in
                // The creation of the socket does not count as the server's time.
                asked.value = context.clock.now
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .connect(to: address).result(by: context.clock)
        outcome.ended = answered
        // If a name was resolved, the probe began with that.
        if outcome.phases.isEmpty { outcome.begun = asked.value }
        switch result {
        case .success(let channel):
            // A connect to a free port of this host can reach itself if the kernel gives it the same port (TCP's simultaneous open). Then
            // nothing listens there.
            if channel.localAddress == channel.remoteAddress {
                outcome.failure = Failure(phase: "tcp", kind: "refused", message: "the connection reached itself: nothing listens there")
            } else {
                outcome.completed("tcp", took: answered - asked.value)
            }
            // Thousands of probes must leave no socket in TIME_WAIT. Fails only if the peer closed first.
            try? await channel.closeWithReset().get()
        case .failure(let error):
            outcome.failure = Failure(connecting: error)
        }
        return outcome
    }
}

extension EventLoopFuture where Value: Sendable {
    /// The result of the future, and its time.
    fileprivate func result(by clock: RunClock) async -> (Result<Value, any Error>, RunTime) {
        await withCheckedContinuation { continuation in
            whenComplete { continuation.resume(returning: ($0, clock.now)) }
        }
    }
}

extension Failure {
    /// Describes the failure of a TCP connect.
    init(connecting error: any Error) {
        switch error {
        case ChannelError.connectTimeout(let after):
            // The channel's timer started with the SYN.
            self.init(
                phase: "tcp", kind: "timeout", message: "no answer within \(Duration.nanoseconds(after.nanoseconds).text)",
                unanswered: after.nanoseconds)
        case let error as IOError:
            self.init(phase: "tcp", kind: Self.kind(ofSystemError: error.errnoCode), message: String(cString: strerror(error.errnoCode)))
        default:
            self.init(phase: "tcp", kind: "network", message: String(describing: error))
        }
    }

    private static func kind(ofSystemError code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "refused"
        case ECONNRESET, ECONNABORTED, EPIPE: "reset"
        case ETIMEDOUT: "timeout"
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: "unreachable"
        // The failure says nothing about the server: this machine has no free socket.
        case EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL: "cancelled"
        default: "network"
        }
    }
}
