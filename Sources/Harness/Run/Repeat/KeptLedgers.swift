import Experiment
import Ledger
import Synchronization

/// The ledgers of a run that outlive their repeat, because their experiments say so (`spec.ledger.keep: run`).
final class KeptLedgers: Sendable {
    /// Experiments that agree in these share a ledger.
    private struct Key: Hashable {
        var target: Experiment.Target
        var spec: Experiment.LedgerSpec

        init(_ experiment: Experiment) {
            target = experiment.target
            spec = experiment.ledger
        }
    }

    private let ledgers = Mutex<[Key: Ledger]>([:])

    /// The ledger of an earlier repeat, if there is one to go on with.
    func ledger(of experiment: Experiment) -> Ledger? { ledgers.withLock { $0[Key(experiment)] } }

    func keep(_ ledger: Ledger, of experiment: Experiment) { ledgers.withLock { $0[Key(experiment)] = ledger } }
}
