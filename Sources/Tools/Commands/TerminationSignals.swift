import Dispatch
import Foundation
import Synchronization

/// SIGINT, SIGTERM and SIGHUP (the terminal is gone), told apart and counted: the first asks to stop, the second ends the process at once.
final class TerminationSignals {
    struct Received: Sendable {
        var number: Int32
        var name: String { TerminationSignals.names[number] ?? "signal \(number)" }
        /// The exit code that a shell shows of a process that the signal has ended.
        var exitCode: Int32 { 128 + number }
    }

    private static let names = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]

    private let sources: [Int32: any DispatchSourceSignal]

    /// - Parameters:
    ///   - first: runs on a thread of its own when the first signal arrives.
    ///   - again: has the last word before the process ends with 128 + the signal's number.
    init(first: @escaping @Sendable (Received) -> Void, again: @escaping @Sendable (Received) -> Void) {
        let count = SignalCount()
        let queue = DispatchQueue(label: "aftershock.signals")
        var sources: [Int32: any DispatchSourceSignal] = [:]
        // In this order they are handled when several arrive at once.
        for number in [SIGINT, SIGTERM, SIGHUP] where !Self.isHungUpIgnored(number) {
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
                    _exit(received.exitCode)
                }
            }
            source.activate()
            sources[number] = source
        }
        self.sources = sources
    }

    /// Under `nohup` a terminal that goes is no reason to stop.
    private static func isHungUpIgnored(_ number: Int32) -> Bool {
        guard number == SIGHUP else { return false }
        var present = sigaction()
        sigaction(number, nil, &present)
        return unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Gives the signals their default action back.
    func stop() {
        for (number, source) in sources {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
