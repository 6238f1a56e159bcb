import Dispatch
import Foundation
import Synchronization

/// Handles SIGINT, SIGTERM and SIGHUP (a closed terminal): the first one asks to stop, the second one ends the process at once.
final class TerminationSignals {
    struct Received: Sendable {
        var number: Int32
        var name: String { TerminationSignals.names[number] ?? "signal \(number)" }
        /// The exit code of a process that the signal has ended, as a shell shows it.
        var exitCode: Int32 { 128 + number }
    }

    private static let names = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]

    /// One that is told of the signals, while there are others: each command of a command has its own.
    private struct Listener: Sendable {
        var first: @Sendable (Received) -> Void
        var again: @Sendable (Received) -> Void
        var isTold = false
    }

    private struct State {
        /// The latest comes last.
        var listeners: [(id: Int, listener: Listener)] = []
        var nextID = 0
        var sources: [Int32: any DispatchSourceSignal] = [:]
    }

    /// Of the process: Dispatch takes a signal once for all, and what is done to its action afterwards takes it away from all.
    private static let state = Mutex(State())
    private static let queue = DispatchQueue(label: "aftershock.signals")

    private let id: Int

    /// - Parameters:
    ///   - first: runs on a thread of its own when the first signal arrives.
    ///   - again: runs before the process ends with 128 + the signal's number.
    init(first: @escaping @Sendable (Received) -> Void, again: @escaping @Sendable (Received) -> Void) {
        id = Self.state.withLock { state in
            state.nextID += 1
            state.listeners.append((state.nextID, Listener(first: first, again: again)))
            if state.sources.isEmpty { state.sources = Self.sources() }
            return state.nextID
        }
    }

    private static func sources() -> [Int32: any DispatchSourceSignal] {
        var sources: [Int32: any DispatchSourceSignal] = [:]
        // The order in which simultaneous signals are handled.
        for number in [SIGINT, SIGTERM, SIGHUP] where !isHungUpIgnored(number) {
            // Dispatch sees a signal only if its default action does not end the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { take(Received(number: number)) }
            source.activate()
            sources[number] = source
        }
        return sources
    }

    /// Tells the latest listener first: it is the one whose work goes on.
    private static func take(_ received: Received) {
        let listeners = state.withLock { state in
            defer { for index in state.listeners.indices { state.listeners[index].listener.isTold = true } }
            return state.listeners.reversed().map(\.listener)
        }
        for listener in listeners where !listener.isTold { listener.first(received) }
        guard let latest = listeners.first, latest.isTold else { return }
        latest.again(received)
        // `exit` would run handlers that may wait, for example for a name server.
        _exit(received.exitCode)
    }

    /// Under `nohup`, a closed terminal is no reason to stop.
    private static func isHungUpIgnored(_ number: Int32) -> Bool {
        guard number == SIGHUP else { return false }
        var present = sigaction()
        sigaction(number, nil, &present)
        return unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Is told of no more signals. When nobody is, they have their default action again.
    func stop() {
        Self.state.withLock { state in
            state.listeners.removeAll { $0.id == id }
            guard state.listeners.isEmpty else { return }
            for (number, source) in state.sources {
                source.cancel()
                signal(number, SIG_DFL)
            }
            state.sources = [:]
        }
    }
}
