import Foundation

/// The number of running sessions, for a shutdown that waits for them.
///
/// Unchecked because the compiler cannot see that ``count`` is touched under ``condition`` alone.
final class SessionCount: @unchecked Sendable {
    private let condition = NSCondition()
    private var count = 0

    func add(_ change: Int) {
        condition.lock()
        count += change
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until no session runs any more; false when that takes longer than `seconds`.
    func waitForNone(seconds: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while count > 0 {
            guard condition.wait(until: deadline) else { return false }
        }
        return true
    }
}
