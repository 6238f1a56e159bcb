/// The sandbox's clock: the time since some moment in the past, for deadlines.
package protocol SandboxTime: Sendable {
    var now: Duration { get }
    func sleep(until moment: Duration) async throws
}

package struct ContinuousTime: SandboxTime {
    private let start = ContinuousClock.now

    package init() {}

    package var now: Duration { ContinuousClock.now - start }

    package func sleep(until moment: Duration) async throws { try await ContinuousClock().sleep(until: start + moment) }
}

extension SandboxTime {
    package func sleep(for duration: Duration) async throws { try await sleep(until: now + duration) }
}
