import Foundation
import NIOCore

/// Joins a connection's event loop and its session's thread: requests one way, pieces of the response the other.
///
/// The thread blocks here when there is nothing to do and when the client does not take what was sent; the event loop never does.
///
/// Unchecked because the compiler cannot see that the state is touched under ``condition`` alone.
final class SessionLink: @unchecked Sendable {
    private let condition = NSCondition()
    private var requests: [Request] = []
    private var isClosed = false
    private var cancelled = false
    private var outstanding = 0
    /// Bytes on their way to the client before the session waits.
    static let limit = 256 * 1024

    private func locked<Result>(_ body: () -> Result) -> Result {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return body()
    }

    // MARK: From the event loop

    func submit(_ request: Request) { locked { requests.append(request) } }

    /// An attention: the running request is to end soon.
    func cancel() { locked { cancelled = true } }

    func close() { locked { isClosed = true } }

    /// Bytes that ``reserve(_:)`` counted have left.
    func sent(_ bytes: Int) { locked { outstanding -= bytes } }

    // MARK: From the session's thread

    /// The next request; nil at the end of the connection. Blocks.
    func next() -> Request? {
        condition.lock()
        defer { condition.unlock() }
        while requests.isEmpty, !isClosed { condition.wait() }
        guard !isClosed else { return nil }
        return requests.removeFirst()
    }

    /// Begins a request: an attention before it was for the one before.
    func begin() { locked { cancelled = false } }

    var isCancelled: Bool {
        condition.lock()
        defer { condition.unlock() }
        return cancelled || isClosed
    }

    /// Waits until `bytes` more may be sent.
    func reserve(_ bytes: Int) throws(SessionEnd) {
        condition.lock()
        defer { condition.unlock() }
        while outstanding > SessionLink.limit, !cancelled, !isClosed { condition.wait() }
        if isClosed { throw .closed }
        if cancelled { throw .cancelled }
        outstanding += bytes
    }

    /// Counts bytes without waiting, for the end of a response.
    func add(_ bytes: Int) { locked { outstanding += bytes } }

    /// Waits for `seconds`; true when an attention or the end of the connection cut it short.
    func pause(_ seconds: Double) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        condition.lock()
        defer { condition.unlock() }
        while !cancelled, !isClosed {
            guard condition.wait(until: deadline) else { break }
        }
        return cancelled || isClosed
    }
}
