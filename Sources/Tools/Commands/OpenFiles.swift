import Experiment
import Foundation
import Glibc
import Journal

/// The limit of open files and sockets of this process (getrlimit(2), `ulimit -n`).
enum OpenFiles {
    /// The files of the harness itself, with an embedded cluster.
    private static let base = 512
    /// The files of each experiment: journal, watches, writers and held connections.
    private static let ofEach = 40

    /// Raises the limit to the need of concurrent experiments: a probe without a socket says nothing about a server.
    ///
    /// - Throws: an error if the hard limit is too low.
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

    /// Returns the connections of a track if the server does not answer.
    private static func inFlight(_ cadence: Experiment.Probes.Cadence, _ cap: Int) -> Int {
        min(cap, Int(cadence.timeout / cadence.interval) + 1)
    }
}
