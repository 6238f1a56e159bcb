import Journal
import NIOCore
import TDS

/// The event loops of the probes, each watched for stalls. `login` has another one, which keeps its TLS handshakes out of the other
/// tracks' way.
struct ProbeLoops {
    private let clock: RunClock
    private let loop: (eventLoop: any EventLoop, stalls: StallWatch)
    private let loginLoop: (eventLoop: any EventLoop, stalls: StallWatch)

    /// Watches the loops until ``stop()``.
    init(_ eventLoop: any EventLoop, logins: any EventLoop, clock: RunClock) {
        self.clock = clock
        loop = (eventLoop, StallWatch(eventLoop, clock: clock))
        loginLoop = (logins, StallWatch(logins, clock: clock))
    }

    func stop() {
        loop.stalls.stop()
        loginLoop.stalls.stop()
    }

    /// Returns the surroundings of a track's probes of a server.
    func context(of track: Track, _ server: TDSConfiguration) -> ProbeContext {
        let (eventLoop, stalls) = track == .login ? loginLoop : loop
        return ProbeContext(server: server, clock: clock, eventLoop: eventLoop, stalls: stalls)
    }
}
