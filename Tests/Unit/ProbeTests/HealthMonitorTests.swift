import Journal
import Testing

@testable import Probe

@Suite struct HealthMonitorTests {
    private let failure = Failure(phase: "tcp", kind: "refused")

    private func at(_ seconds: Int64) -> RunTime { RunTime(nanoseconds: seconds * 1_000_000_000) }

    @Test func everyLaneOfEveryTrackHasToBeHealthy() {
        var health = Health(lanes: [.connect: 1, .write: 2])
        #expect(health.healthySince == nil)
        health.finished(.connect, done: at(1), failure: nil)
        health.finished(.write, lane: 0, done: at(2), failure: nil)
        #expect(health.healthySince == nil)
        health.finished(.write, lane: 1, done: at(3), failure: nil)
        #expect(health.healthySince == at(3))
        health.finished(.write, lane: 0, done: at(4), failure: failure)
        #expect(health.healthySince == nil)
        #expect(health.latestFailure?.track == .write)
        health.finished(.write, lane: 0, done: at(5), failure: nil)
        #expect(health.healthySince == at(5))
    }

    @Test func silenceDoesNotCountAsHealth() {
        var health = Health(lanes: [.connect: 1, .session: 1])
        health.finished(.connect, done: at(1), failure: nil)
        health.finished(.session, done: at(1), failure: nil)
        health.finished(.connect, done: at(30), failure: nil)
        #expect(health.healthyFor == .zero)
        health.finished(.session, done: at(11), failure: nil)
        #expect(health.healthyFor == .seconds(10))
    }

    @Test func aLateFailureOfAHungProbeMakesItUnhealthyAgain() {
        var health = Health(lanes: [.connect: 1])
        health.finished(.connect, done: at(10), failure: nil)
        health.finished(.connect, done: at(11), failure: failure)
        #expect(health.healthySince == nil)
        health.finished(.connect, done: at(12), failure: nil)
        #expect(health.healthySince == at(12))
    }

    @Test func theOneWhoWaitsIsWokenByTheProbeThatMeetsTheCondition() async throws {
        let monitor = HealthMonitor(lanes: [.connect: 1])
        async let met = monitor.wait { ($0.tracks[.connect]?.first?.successes ?? 0) >= 3 }
        for second in 1...5 { monitor.finished(.connect, done: at(Int64(second)), failure: nil) }
        let successes = try await met.tracks[.connect]?.first?.successes
        #expect(successes.map { 3...5 ~= $0 } == true)
    }

    @Test func aConditionThatHoldsAlreadyIsNotWaitedFor() async throws {
        let monitor = HealthMonitor(lanes: [.connect: 1])
        monitor.finished(.connect, done: at(1), failure: failure)
        #expect(try await monitor.wait { $0.latestFailure != nil }.latestFailure?.at == at(1))
    }

    @Test func aCancelledWaitThrows() async throws {
        let monitor = HealthMonitor(lanes: [.connect: 1])
        let waiting = Task { try await monitor.wait { _ in false } }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }
}
