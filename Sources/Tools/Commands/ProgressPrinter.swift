import Experiment
import Foundation
import Journal
import Synchronization

/// Shows the progress of a run on standard error: a line for every step, and on a terminal a live line of counters below them.
///
/// Its output depends only on the journal's records.
final class ProgressPrinter: Sendable {
    private struct Counter {
        var good = 0
        var bad = 0
        var failing: String?
    }

    private struct State {
        var counters: [Track: Counter] = [:]
        var repeatStart = RunTime.origin
        var isLive = false
        var hasLiveLine = false
        var lastDrawn = RunTime.origin
        var estimate: RunEstimate
        /// The current step and its start.
        var step = "starting"
        var stepStart = ContinuousClock.now
        var lastLine = ContinuousClock.now
    }

    private let isTerminal: Bool
    private let isQuiet: Bool
    private let write: @Sendable (String) -> Void
    private let state: Mutex<State>

    /// The interval between two redraws of the live line.
    private static let redraw = Duration.milliseconds(100)
    /// The longest time without a line, so that neither people nor CI systems take a long stage for a hang.
    static let heartbeat = Duration.seconds(30)

    /// - Parameter isAlone: whether this is the only run: several runs cannot share the live line of a terminal.
    init(
        quiet: Bool, estimate: RunEstimate, isAlone: Bool = true,
        write: @escaping @Sendable (String) -> Void = { standardError($0, waits: false) }
    ) {
        isQuiet = quiet
        isTerminal = isAlone && isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
        state = Mutex(State(estimate: estimate))
        self.write = write
    }

    /// Prints a line whenever nothing was printed for a while, until the task is cancelled.
    func beat() async {
        while !Task.isCancelled {
            guard let _ = try? await Task.sleep(for: .seconds(1)) else { return }
            beat(at: .now)
        }
    }

    func beat(at now: ContinuousClock.Instant) {
        guard !isQuiet else { return }
        state.withLock { state in
            guard now - state.lastLine >= Self.heartbeat else { return }
            let seconds = (now - state.stepStart).components.seconds
            let counters = state.isLive ? "; \(Self.counters(state))" : ""
            print("           still \(state.step), for \(Duration.seconds(seconds).text)\(counters)", &state)
            state.lastLine = now
        }
    }

    func take(_ record: JournalRecord) {
        guard !isQuiet else { return }
        state.withLock { state in
            switch record.event {
            case .probe(let probe):
                count(probe.track, probe.failure, &state)
                drawLive(record.at, &state)
            case .write(let write):
                count(.write, write.failure, &state)
                drawLive(record.at, &state)
            case .runStarted:
                enter("checking", &state)
                guard let line = Self.line(record.event) else { return }
                print(line.text, &state)
                print("estimate: \(state.estimate.total)", &state)
            case .repeatStarted(let started):
                state.counters = [:]
                state.repeatStart = record.at
                state.estimate.start(at: record.at)
                print("  repeat \(started.number)/\(started.of)" + (state.estimate.rest.map { ", \($0)" } ?? ""), &state)
            case .stageEntered(let stage):
                state.isLive = ![.preparing, .settling].contains(stage.stage)
                enter(stage.stage.rawValue, &state)
                step(stage.stage.rawValue, record.at, &state)
            case .repeatEnded(let ended):
                state.isLive = false
                state.estimate.end(at: record.at)
                enter("between two repeats", &state)
                if let reason = ended.reason { step("\(ended.how.rawValue): \(reason.oneLine)", record.at, &state) }
            default:
                guard let line = Self.line(record.event) else { return }
                if line.isStep { step(line.text, record.at, &state) } else { print(line.text, &state) }
            }
        }
    }

    /// Removes the live line from the screen.
    func finish() {
        state.withLock { clear(&$0) }
    }

    /// Returns a record as one line. A step has the repeat's time in front.
    private static func line(_ event: Event) -> (text: String, isStep: Bool)? {
        switch event {
        case .runStarted(let run): ("run \(run.runID) in context \(run.context), Kubernetes \(run.serverVersion)", false)
        case .experimentStarted(let experiment): (experiment.name, false)
        case .preflightCheck(let check):
            switch check.status {
            case .passed: ("  √ \(check.name): \(check.message.oneLine)", false)
            case .warning: ("  ‼ \(check.name): \(check.message.oneLine)" + (check.hint.map { "\n      \($0.oneLine)" } ?? ""), false)
            case .failed: ("  × \(check.name): \(check.message.oneLine)" + (check.hint.map { "\n      \($0.oneLine)" } ?? ""), false)
            }
        case .faultBegun(let fault): (fault.summary.oneLine, true)
        case .faultEffect(let effect):
            ((effect.proven ? "effect proven: " : "NO EFFECT: ") + effect.evidence.joined(separator: "; ").oneLine, true)
        case .undoResult(let undo): ((undo.proven ? "restored: " : "NOT RESTORED: ") + undo.evidence.oneLine, true)
        case .ledgerChecked(let ledger):
            (
                "ledger: \(ledger.acknowledged) acknowledged, \(ledger.lost) lost, \(ledger.unknown) unanswered (\(ledger.unknownPresent) of them there)",
                true
            )
        case .clientFailed(let failed): ("the client of the experiment: \(failed.message.oneLine)", true)
        case .ledgerUnchecked(let ledger): ("ledger could not be read back: \(ledger.reason.oneLine)", true)
        case .interrupted(let interruption): ("interrupted (\(interruption.cause)): \(interruption.message.oneLine)", false)
        case .recoveryDebt(let debt):
            (
                debt.missing.map { "recovery debt NOT there: \($0.oneLine)" }
                    ?? "recovery debt: \(debt.evidence.joined(separator: "; ").oneLine)", true
            )
        case .blind(let blind): ("the cluster could not be watched: \(blind.reason.oneLine)", true)
        case .repeatStarted, .stageEntered, .ledgerPrepared, .probesStarted, .probe, .probeSkipped, .vantage, .idleStarted, .idleAsked,
            .databaseAsked, .write, .snapshot, .observation,
            .serverLog, .engine, .undoIntent, .faultInjected, .repeatEnded, .runEnded:
            nil
        }
    }

    private func enter(_ step: String, _ state: inout State) {
        state.step = step
        state.stepStart = .now
    }

    private func count(_ track: Track, _ failure: Failure?, _ state: inout State) {
        var counter = state.counters[track] ?? Counter()
        if let failure {
            counter.bad += 1
            counter.failing = failure.number.map { "\(failure.kind) \($0)" } ?? failure.kind
        } else {
            counter.good += 1
            counter.failing = nil
        }
        state.counters[track] = counter
    }

    private func step(_ text: String, _ time: RunTime, _ state: inout State) {
        let seconds = Double((time - state.repeatStart).wholeNanoseconds) / 1e9
        print(String(format: "  %7.1f s  ", seconds) + text, &state)
    }

    private func print(_ text: String, _ state: inout State) {
        clear(&state)
        write(text)
        state.lastLine = .now
    }

    private static func counters(_ state: State) -> String {
        Track.allCases.map { track in
            let counter = state.counters[track] ?? Counter()
            return "\(track.rawValue) " + (counter.failing.map { "× \($0)" } ?? "√") + " \(counter.good)/\(counter.good + counter.bad)"
        }.joined(separator: "  ")
    }

    private func drawLive(_ time: RunTime, _ state: inout State) {
        guard isTerminal, state.isLive, time - state.lastDrawn >= Self.redraw else { return }
        state.lastDrawn = time
        let seconds = String(format: "%7.1f s", Double((time - state.repeatStart).wholeNanoseconds) / 1e9)
        StandardStream.errors.write("\r\u{1B}[K" + "  \(seconds)  \(Self.counters(state))".oneLine.harmless, waits: false)
        state.hasLiveLine = true
    }

    private func clear(_ state: inout State) {
        guard state.hasLiveLine else { return }
        StandardStream.errors.write("\r\u{1B}[K", waits: false)
        state.hasLiveLine = false
    }
}
