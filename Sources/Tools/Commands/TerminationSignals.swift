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

    private let sources: [Int32: any DispatchSourceSignal]

    /// - Parameters:
    ///   - first: runs on a thread of its own when the first signal arrives.
    ///   - again: runs before the process ends with 128 + the signal's number.
    init(first: @escaping @Sendable (Received) -> Void, again: @escaping @Sendable (Received) -> Void) {
        let count = SignalCount()
        let queue = DispatchQueue(label: "aftershock.signals")
        var sources: [Int32: any DispatchSourceSignal] = [:]
        // The order in which simultaneous signals are handled.
        for number in [SIGINT, SIGTERM, SIGHUP] where !Self.isHungUpIgnored(number) {
            // Dispatch sees a signal only if its default action does not end the process.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                let received = Received(number: number)
                if count.next() == 1 {
                    first(received)
                } else {
                    again(received)
                    // `exit` would run handlers that may wait, for example for a name server.
                    _exit(received.exitCode)
                }
            }
            source.activate()
            sources[number] = source
        }
        self.sources = sources
    }

    /// Under `nohup`, a closed terminal is no reason to stop.
    private static func isHungUpIgnored(_ number: Int32) -> Bool {
        guard number == SIGHUP else { return false }
        var present = sigaction()
        sigaction(number, nil, &present)
        return unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 1
    }

    /// Restores the default action of the signals.
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
