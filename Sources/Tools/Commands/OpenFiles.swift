import Experiment
import Foundation
import Glibc
import Journal

/// The files that this process may have open (getrlimit(2), `ulimit -n`), sockets among them.
enum OpenFiles {
    /// The need of the harness itself, with an embedded cluster.
    private static let base = 512
    /// For the journal, the watches, the writers and the connections that are held.
    private static let ofEach = 40

    /// Raises the limit as far as experiments that go on at the same time need it: a probe that gets no socket says nothing of a server.
    ///
    /// - Throws: when this process may not have so many.
    static func provide(for experiments: [Experiment], atOnce most: Int) throws(CommandError) {
        let needs = experiments.map { experiment in
            let probes = experiment.probes
            return ofEach + experiment.ledger.writers + inFlight(probes.connect, probes.inFlightCap)
                + inFlight(probes.login, probes.inFlightCap)
        }
        let need = base + needs.sorted(by: >).prefix(most).reduce(0, +)
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(need) else { return }
        guard limit.rlim_max >= rlim_t(need) else {
            throw .usage(
                "\(counted(min(most, experiments.count), "experiment needs", "experiments at the same time need")) \(need) open files, and this process may have \(limit.rlim_max): "
                    + "raise the limit (ulimit -n \(need)), or give a lower --parallel")
        }
        limit.rlim_cur = rlim_t(need)
        _ = setrlimit(resource, &limit)
    }

    /// The connections of a track when the server answers none.
    private static func inFlight(_ cadence: Experiment.Probes.Cadence, _ cap: Int) -> Int {
        min(cap, Int(cadence.timeout / cadence.interval) + 1)
    }
}
