import Testing

@testable import Kubernetes
@testable import Run

@Suite struct ServerHeartbeatTests {
    private let start = ContinuousClock.now
    private let reason = KubernetesError(.unreachable, "refused")

    private func blind(from: Int, noticed: Int) -> BlindInterval {
        BlindInterval(from: start + .seconds(from), noticed: start + .seconds(noticed), until: nil, reason: reason)
    }

    @Test func aWatchThatBrokeByItselfIsBlindSinceItsOwnLastEvent() {
        let heartbeat = ServerHeartbeat()
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9)) == start + .seconds(1))
    }

    @Test func aWatchThatBrokeWithTheServerIsBlindSinceTheServersLastAnswer() throws {
        let heartbeat = ServerHeartbeat()
        heartbeat.hears(nothing: reason, since: start + .seconds(8))
        heartbeat.hears(nothing: reason, since: start + .seconds(9))
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9)) == start + .seconds(8))
        let silence = try #require(heartbeat.hears(at: start + .seconds(12)))
        #expect(silence.from == start + .seconds(8))
        #expect(heartbeat.lastAnswer(before: blind(from: 1, noticed: 9)) == start + .seconds(8))
        // Once more, later, for another reason.
        #expect(heartbeat.lastAnswer(before: blind(from: 13, noticed: 20)) == start + .seconds(13))
        #expect(heartbeat.hears(at: start + .seconds(21)) == nil)
    }
}
