import Foundation
import Synchronization

/// Prints the progress of reading a long file on standard error: nothing in the first seconds, then a line from time to time.
final class ReadingProgress: Sendable {
    private let path: String
    private let size: Int64
    private let write: @Sendable (String) -> Void
    private let last: Mutex<ContinuousClock.Instant>

    static let interval: Duration = .seconds(2)

    init(
        _ path: String, at start: ContinuousClock.Instant = .now,
        write: @escaping @Sendable (String) -> Void = { standardError($0, waits: false) }
    ) {
        self.path = path
        // Not by opening it: that would wait for the writer of a pipe.
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        size = (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? NSNumber)?.int64Value ?? 0
        self.write = write
        last = Mutex(start)
    }

    func tell(_ read: Int64, at now: ContinuousClock.Instant = .now) {
        guard size > 0 else { return }
        let isDue = last.withLock { last in
            guard now - last >= Self.interval else { return false }
            last = now
            return true
        }
        if isDue { write("read \(min(100, read * 100 / size)) % of \(path)") }
    }
}
