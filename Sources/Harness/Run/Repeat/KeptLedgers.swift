import Experiment
import Ledger
import Synchronization

/// The ledgers that outlive their repeat, as their experiments ask with `spec.ledger.keep: run`.
final class KeptLedgers: Sendable {
    /// The settings that experiments with a common ledger must agree in.
    private struct Key: Hashable {
        var target: Experiment.Target
        var spec: Experiment.LedgerSpec

        init(_ experiment: Experiment) {
            target = experiment.target
            spec = experiment.ledger
        }
    }

    private let ledgers = Mutex<[Key: Ledger]>([:])

    /// The ledger of an earlier repeat, if one can be continued.
    func ledger(of experiment: Experiment) -> Ledger? { ledgers.withLock { $0[Key(experiment)] } }

    func keep(_ ledger: Ledger, of experiment: Experiment) { ledgers.withLock { $0[Key(experiment)] = ledger } }
}
