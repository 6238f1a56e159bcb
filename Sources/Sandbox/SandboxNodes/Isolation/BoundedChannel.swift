import SandboxStore
import Synchronization

/// A queue between one producer or several and one consumer, in which a producer that is ahead by `capacity` elements waits.
final class BoundedChannel<Element: Sendable>: AsyncSequence, Sendable {
    typealias Failure = any Error

    struct Iterator: AsyncIteratorProtocol {
        let channel: BoundedChannel

        func next() async throws -> Element? { try await channel.next() }

        func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? { try await channel.next() }
    }

    private struct State {
        var elements: [Element] = []
        var isFinished = false
        var failure: (any Error)?
        var consumer: CheckedContinuation<Void, Never>?
        var producers: [CheckedContinuation<Void, Never>] = []

        mutating func takeAll() -> [CheckedContinuation<Void, Never>] {
            defer {
                consumer = nil
                producers = []
            }
            return producers + (consumer.map { [$0] } ?? [])
        }
    }

    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    func makeAsyncIterator() -> Iterator { Iterator(channel: self) }

    /// Waits for room; drops the element when the channel is finished.
    func send(_ element: Element) async {
        while true {
            let (isDone, consumer) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
                if state.isFinished { return (true, nil) }
                guard state.elements.count < capacity else { return (false, nil) }
                state.elements.append(element)
                defer { state.consumer = nil }
                return (true, state.consumer)
            }
            consumer?.resume()
            if isDone { return }
            await withCheckedContinuation { continuation in
                let isParked = state.withLock { state in
                    guard !state.isFinished, state.elements.count >= capacity else { return false }
                    state.producers.append(continuation)
                    return true
                }
                if !isParked { continuation.resume() }
            }
        }
    }

    /// No more elements: what is queued is still delivered.
    func finish() {
        let waiters = state.withLock { state in
            state.isFinished = true
            return state.takeAll()
        }
        for waiter in waiters { waiter.resume() }
    }

    func fail(_ error: any Error) {
        state.withLock { $0.failure = $0.failure ?? error }
        finish()
    }

    /// The next element, `nil` at the end, whatever it was.
    func receive() async -> Element? { try? await next() }

    private func next() async throws -> Element? {
        while true {
            let (element, isOver, producers) = try state.withLock { state -> (Element?, Bool, [CheckedContinuation<Void, Never>]) in
                guard !state.elements.isEmpty else {
                    if state.isFinished, let failure = state.failure { throw failure }
                    return (nil, state.isFinished, [])
                }
                defer { state.producers = [] }
                return (state.elements.removeFirst(), false, state.producers)
            }
            for producer in producers { producer.resume() }
            if element != nil || isOver { return element }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isParked = state.withLock { state in
                        guard !state.isFinished, state.elements.isEmpty else { return false }
                        state.consumer = continuation
                        return true
                    }
                    if !isParked { continuation.resume() }
                }
            } onCancel: {
                finish()
            }
        }
    }
}
