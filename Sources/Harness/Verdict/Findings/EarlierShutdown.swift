import Experiment

/// The shutdown of a server in an earlier run, as an estimate of the time that the next one takes.
public struct EarlierShutdown: Sendable, Hashable {
    public var runID: String
    public var namespace: String
    public var workload: String
    public var gracePeriod: Duration
    public var took: Duration
    public var isClean: Bool

    public init(runID: String, namespace: String, workload: String, gracePeriod: Duration, took: Duration, isClean: Bool) {
        self.runID = runID
        self.namespace = namespace
        self.workload = workload
        self.gracePeriod = gracePeriod
        self.took = took
        self.isClean = isClean
    }

    /// Returns a warning if a grace period is too short for this shutdown, else `nil`.
    public func objection(to gracePeriod: Duration) -> String? {
        let pod = "the pod's grace period is \(gracePeriod.text)"
        if isClean {
            return took > gracePeriod ? "in run \(runID) the server took \(took.textRoundedUp) to stop, and \(pod)" : nil
        }
        guard took >= self.gracePeriod * Shutdown.almost, self.gracePeriod >= gracePeriod else { return nil }
        return "in run \(runID) the server did not stop within \(self.gracePeriod.text) and was killed, and \(pod)"
    }
}

extension EarlierShutdown {
    /// The shutdowns that the repeats of a run have seen so far.
    public static func seen(in findings: Findings) -> [EarlierShutdown] {
        guard let run = findings.run else { return [] }
        return findings.experiments.flatMap { found in
            found.repeats.compactMap { one in
                guard let target = found.experiment?.target, let shutdown = one.shutdown, let took = shutdown.took,
                    let isClean = shutdown.isClean
                else { return nil }
                return EarlierShutdown(
                    runID: run.id, namespace: target.namespace, workload: "\(target.workload)", gracePeriod: shutdown.gracePeriod,
                    took: took,
                    isClean: isClean)
            }
        }
    }
}
