import Foundation
import Testing

@testable import Calibration

@Suite(.timeLimit(.minutes(5))) struct CalibrationTests {
    /// Every kind once, over real sockets. The bounds are the findings of the real probes' records. `aftershock calibrate` does a
    /// thousand of these on a quiet machine; here other tests take the processor, and a bound must be true all the same. The queue of the
    /// frozen server is full after half a second.
    @Test func everyKindOfOutageIsFoundWithBoundsThatContainIt() async throws {
        let kinds = TrialPlan.Kind.allCases.count
        let calibration = Calibration(
            .init(
                trials: kinds, seed: 5, atOnce: 3, shortest: .milliseconds(500), longest: .seconds(1),
                cadence: .init(interval: .milliseconds(50), loginInterval: .milliseconds(200), timeout: .seconds(1)),
                backlog: 12))
        let summary = try await calibration.run(processID: ProcessInfo.processInfo.processIdentifier) { _, _ in }
        #expect(summary.trials == kinds)
        #expect(summary.outside == 0, "\(summary.remarks)")
        #expect(summary.missed == 0, "\(summary.remarks)")
        #expect(summary.contained > 0, "\(summary.remarks)")
    }
}
