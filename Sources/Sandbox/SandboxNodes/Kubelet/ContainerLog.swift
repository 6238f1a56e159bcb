import Foundation
import NIOCore
import SandboxStore
import Synchronization

/// The output of one instance of a container, line by line. Of a very long log only the end is kept, as kubelets rotate theirs.
final class ContainerLog: Sendable {
    private struct Line: Sendable {
        let time: Date
        let bytes: [UInt8]
    }

    private struct State {
        var lines: [Line] = []
        /// The number of lines that were dropped at the front.
        var dropped = 0
        var size = 0
        var partial: [UInt8] = []
        var isFinished = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// `containerLogMaxSize` is 10 MiB.
    private static let capacity = 10 << 20
    private let state = Mutex(State())
    private let now: @Sendable () -> Date

    init(now: @escaping @Sendable () -> Date) { self.now = now }

    func append(_ bytes: [UInt8]) {
        let time = now()
        let waiters = state.withLock { state in
            state.partial += bytes
            while let end = state.partial.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(state.partial[...end])
                state.partial.removeFirst(line.count)
                state.lines.append(Line(time: time, bytes: line))
                state.size += line.count
            }
            Self.rotate(&state)
            return state.waiters.takeAll()
        }
        for waiter in waiters { waiter.resume() }
    }

    private static func rotate(_ state: inout State) {
        guard state.size > capacity else { return }
        var surplus = 0
        while state.size > capacity * 3 / 4 {
            state.size -= state.lines[surplus].bytes.count
            surplus += 1
        }
        state.lines.removeFirst(surplus)
        state.dropped += surplus
    }

    func finish() {
        let time = now()
        let waiters = state.withLock { state in
            if !state.partial.isEmpty { state.lines.append(Line(time: time, bytes: state.partial)) }
            state.partial = []
            state.isFinished = true
            return state.waiters.takeAll()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The log as the options ask for it.
    func read(_ options: LogOptions) -> Reader {
        let start = state.withLock { state in
            var first = 0
            if let seconds = options.sinceSeconds {
                let since = now().addingTimeInterval(-TimeInterval(seconds))
                first = state.lines.firstIndex { $0.time >= since } ?? state.lines.count
            }
            if let tail = options.tailLines { first = max(first, state.lines.count - tail) }
            return state.dropped + first
        }
        return Reader(log: self, options: options, position: start, budget: options.limitBytes ?? .max)
    }

    struct Reader: AsyncSequence, AsyncIteratorProtocol, Sendable {
        typealias Failure = any Error

        fileprivate let log: ContainerLog
        fileprivate let options: LogOptions
        fileprivate var position: Int
        fileprivate var budget: Int

        func makeAsyncIterator() -> Reader { self }

        mutating func next() async throws -> ByteBuffer? { await advance() }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> ByteBuffer? { await advance() }

        private mutating func advance() async -> ByteBuffer? {
            while budget > 0, !Task.isCancelled {
                if let (text, position) = log.text(from: position, options.timestamps) {
                    self.position = position
                    let part = text.prefix(budget)
                    budget -= part.count
                    return ByteBuffer(bytes: part)
                }
                guard options.follow, await log.more(than: position) else { return nil }
            }
            return nil
        }
    }

    /// Up to a few hundred lines from a position on, and the position after them.
    private func text(from position: Int, _ timestamps: Bool) -> ([UInt8], Int)? {
        state.withLock { state in
            let first = max(position - state.dropped, 0)
            guard first < state.lines.count else { return nil }
            let part = state.lines[first...].prefix(256)
            let bytes = part.flatMap { line -> [UInt8] in
                timestamps ? Array("\(Self.nanoseconds(line.time)) ".utf8) + line.bytes : line.bytes
            }
            return (bytes, state.dropped + first + part.count)
        }
    }

    private static func nanoseconds(_ date: Date) -> String { StoreEnvironment.microTimestamp(date).dropLast() + "000Z" }

    /// Waits until there are lines after a position; `false` when there will be none.
    private func more(than position: Int) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isParked = state.withLock { state in
                    guard position >= state.dropped + state.lines.count, !state.isFinished, !Task.isCancelled else { return false }
                    state.waiters.append(continuation)
                    return true
                }
                if !isParked { continuation.resume() }
            }
        } onCancel: {
            for waiter in state.withLock({ $0.waiters.takeAll() }) { waiter.resume() }
        }
        return !Task.isCancelled && state.withLock { position < $0.dropped + $0.lines.count }
    }
}

extension Array {
    fileprivate mutating func takeAll() -> [Element] {
        defer { self = [] }
        return self
    }
}
