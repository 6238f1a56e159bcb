import Testing

@testable import Kubernetes
@testable import Run

@Suite struct ServerHeartbeatTests {
    private let start = ContinuousClock.now
    private let reason = KubernetesError(.unreachable, "refused")

    private func blind(from: Int, noticed: Int) -> BlindInterval {
        BlindInterval(from: time(from), noticed: time(noticed), until: nil, reason: reason)
    }

    private func time(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test func aWatchThatBrokeByItselfIsBlindSinceItsOwnLastEvent() {
        let heartbeat = ServerHeartbeat(at: start)
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(10)) == time(1))
        // Also beside a server that answers, and late only as long as it may be.
        heartbeat.asks(at: time(8))
        #expect(heartbeat.hears(at: time(8)) == nil)
        heartbeat.asks(at: time(9))
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(9)) == time(1))
    }

    @Test func aWatchThatBrokeWithTheServerIsBlindSinceTheServersLastAnswer() throws {
        let heartbeat = ServerHeartbeat(at: start)
        heartbeat.asks(at: time(8))
        #expect(heartbeat.hears(at: time(8)) == nil)
        heartbeat.asks(at: time(9))
        heartbeat.hears(nothing: reason)
        heartbeat.asks(at: time(10))
        heartbeat.hears(nothing: reason)
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(11)) == time(8))
        heartbeat.asks(at: time(12))
        let silence = try #require(heartbeat.hears(at: time(12)))
        #expect(silence.from == time(8))
        #expect(silence.until == time(12))
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(13)) == time(8))
        // Once more, later, for another reason.
        #expect(heartbeat.lastAnswer(before: blind(from: 13, noticed: 20), at: time(21)) == time(13))
        #expect(heartbeat.hears(at: time(21)) == nil)
    }

    /// It is down for less than a second, and answers what it is asked meanwhile when it is up: no request fails.
    @Test func aWatchThatBrokeWithAServerThatWasOnlyLateIsBlindSinceItsLastAnswer() {
        let heartbeat = ServerHeartbeat(at: start)
        heartbeat.asks(at: time(8))
        #expect(heartbeat.hears(at: time(8)) == nil)
        heartbeat.asks(at: time(9))
        // The watch may hear of it before the heartbeat does, or after it.
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(11)) == time(8))
        #expect(heartbeat.hears(at: time(11)) == nil)
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9), at: time(11)) == time(8))
        heartbeat.asks(at: time(11))
        #expect(heartbeat.hears(at: time(11)) == nil)
        #expect(heartbeat.lastAnswer(before: blind(from: 12, noticed: 20), at: time(21)) == time(12))
    }
}
