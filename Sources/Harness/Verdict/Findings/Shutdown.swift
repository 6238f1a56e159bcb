public import Journal

/// The orderly shutdown of a server: its pod was deleted with a grace period before its container ended.
///
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow
public struct Shutdown: Sendable, Hashable {
    /// The time at which the watch showed the deletion.
    public var told: RunTime
    /// The time that the containers had to stop.
    public var gracePeriod: Duration
    /// The time at which the watch showed the container's end; `nil` if it did not.
    public var ended: RunTime?
    public var exit: ContainerExit?
    /// The server's own lines about its end.
    public var words: [String]

    /// The time from the deletion to the container's end, as the watch showed them.
    public var took: Duration? { ended.map { $0 - told } }

    /// Is `true` if the server stopped by itself; `nil` if its end was not seen.
    public var isClean: Bool? { exit.map { Self.orderly.contains($0.code) } }

    /// The exit codes after an orderly stop, and after one that a supervisor names by its signal, SIGTERM.
    private static let orderly: Set<Int> = [0, 143]
    /// The exit code of a process that SIGKILL has ended.
    private static let killed = 137

    /// One line about the server's end.
    public var sentence: String {
        let grace = "its grace period of \(gracePeriod.textRoundedUp)"
        guard let exit, let took else { return "the server was told to stop, and its end within \(grace) was not seen" }
        let reason = exit.reason.map { ", \($0)" } ?? ""
        let when = "\(took.textRoundedUp) after it was told to stop"
        switch exit.code {
        case let code where Self.orderly.contains(code):
            return "the server stopped by itself (exit code \(code)\(reason)) \(when), of \(grace)"
        case Self.killed where took >= gracePeriod * Self.almost:
            return "the server did not stop by itself: it was killed (exit code 137\(reason)) at the end of \(grace), \(when)"
        case Self.killed: return "the server was killed (exit code 137\(reason)) \(when), within \(grace)"
        default: return "the server ended with exit code \(exit.code)\(reason) \(when), of \(grace)"
        }
    }

    /// The share of the grace period after which a kill counts as its end: the API server counts in whole seconds.
    static let almost = 0.9
}

extension Shutdown {
    /// Returns `nil` if nothing told the server to stop, or if it had no time to do so.
    init?(_ facts: RepeatReducer) {
        guard let fault = facts.faultBegan, let old = facts.before?.servingPod else { return nil }
        let observations = facts.observations.filter { $0.at >= fault && $0.observation.uid == old.uid }
        guard let told = observations.first(where: { $0.observation.kind == .podTerminating }),
            let seconds = told.observation.gracePeriod, seconds > 0
        else { return nil }
        let end = observations.first { seen in
            guard seen.observation.kind == .containerTerminated, let exit = seen.observation.exit else { return false }
            return exit.containerID == old.containerID
        }
        // The deletion did not stop a container that had ended before.
        if let end, end.at < told.at { return nil }
        let words = facts.serverLog.filter { seen in
            seen.at >= fault && seen.entry.kind == .shutdown && seen.entry.uid == old.uid
                && (seen.entry.containerID ?? old.containerID) == old.containerID
        }
        self.init(
            told: told.at, gracePeriod: .seconds(seconds), ended: end?.at, exit: end?.observation.exit, words: words.map(\.entry.text))
    }
}
