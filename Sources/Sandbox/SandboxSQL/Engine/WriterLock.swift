import Foundation

/// The right to write to one database, handed on in the order of asking.
///
/// SQLite has one writer per file and lets the others poll; under steady writers a poller can starve, so the sessions queue here first.
/// Blocks the session's thread.
///
/// Unchecked because the compiler cannot see that ``owner`` and ``queue`` are touched under ``condition`` alone.
final class WriterLock: @unchecked Sendable {
    private let condition = NSCondition()
    private var owner: ObjectIdentifier?
    private var queue: [ObjectIdentifier] = []

    /// - Parameters:
    ///   - timeout: seconds to wait; nil waits without end.
    ///   - isCancelled: asked every 20 ms while waiting, so that an attention gets through.
    /// - Returns: whether the lock was taken.
    func acquire(for claimant: AnyObject, timeout: Double?, isCancelled: () -> Bool) -> Bool {
        let me = ObjectIdentifier(claimant)
        let deadline = timeout.map { ContinuousClock.now + .seconds($0) }
        condition.lock()
        defer { condition.unlock() }
        queue.append(me)
        while owner != nil || queue.first != me {
            let isLate = deadline.map { ContinuousClock.now >= $0 } ?? false
            if isLate || isCancelled() {
                queue.removeAll { $0 == me }
                condition.broadcast()
                return false
            }
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.02))
        }
        queue.removeFirst()
        owner = me
        return true
    }

    func release(by claimant: AnyObject) {
        condition.lock()
        if owner == ObjectIdentifier(claimant) { owner = nil }
        condition.broadcast()
        condition.unlock()
    }
}
