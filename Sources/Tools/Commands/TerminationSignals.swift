import Dispatch
import Foundation
import Synchronization

/// SIGINT and SIGTERM, told apart and counted: the first asks to stop, the second ends the process at once.
final class TerminationSignals {
    struct Received: Sendable {
        var number: Int32
        var name: String { number == SIGINT ? "SIGINT" : "SIGTERM" }
    }

    private let sources: [any DispatchSourceSignal]

    /// - Parameters:
    ///   - first: runs on a thread of its own when the first signal arrives.
    ///   - again: has the last word before the process ends with 128 + the signal's number.
    init(first: @escaping @Sendable (Received) -> Void, again: @escaping @Sendable (Received) -> Void) {
        let count = SignalCount()
        let queue = DispatchQueue(label: "aftershock.signals")
        sources = [SIGINT, SIGTERM].map { number in
            // Dispatch sees a signal only when its default action does not end the process first.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                let received = Received(number: number)
                if count.next() == 1 {
                    first(received)
                } else {
                    again(received)
                    // Not `exit`: what is to be done before a process ends waits for others, such as a name server.
                    _exit(128 + number)
                }
            }
            source.activate()
            return source
        }
    }

    /// Gives the signals their default action back.
    func stop() {
        for source in sources { source.cancel() }
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
    }
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
