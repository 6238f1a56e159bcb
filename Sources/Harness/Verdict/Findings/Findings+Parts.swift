import Foundation
public import Journal

extension Findings {
    /// Judges the journal at `path` by its own experiment files. If there is none, judges the journals of the experiments that ran side by
    /// side, in the report folder that `path` points into.
    ///
    /// A damaged or truncated journal has findings too. Throws only if a file cannot be opened.
    ///
    /// - Parameter progress: receives the number of bytes read, from time to time.
    public static func judge(
        journalPath path: String, limits: Limits = Limits(), progress: (Int64) -> Void = { _ in }
    ) throws(JournalError) -> Findings {
        let folder = (path as NSString).deletingLastPathComponent
        let isThere = FileManager.default.fileExists(atPath: path)
        var parts: [Findings] = []
        for journal in isThere ? [] : RunFolder.journals(in: folder.isEmpty ? "." : folder) {
            parts.append(try JournalJudge(path: journal, limits: limits).findings(progress: progress))
        }
        if let whole = Findings(joining: parts) { return whole }
        return try JournalJudge(path: path, limits: limits).findings(progress: progress)
    }

    /// Merges the findings of experiments that ran side by side, with a journal each, into those of their run.
    ///
    /// - Returns: `nil` if there are none.
    public init?(joining parts: [Findings]) {
        let parts = parts.sorted { ($0.run?.part?.number ?? .max) < ($1.run?.part?.number ?? .max) }
        guard let first = parts.first else { return nil }
        self = first
        run?.id = first.run?.part?.run ?? first.run?.id ?? ""
        run?.part = nil
        run?.sources = []
        for source in parts.flatMap({ $0.run?.sources ?? [] }) {
            if let known = run?.sources.firstIndex(where: { $0.file == source.file && $0.text == source.text }) {
                run?.sources[known].effective? += source.effective ?? []
            } else {
                run?.sources.append(source)
            }
        }
        experiments = parts.flatMap(\.experiments)
        interruption = parts.lazy.compactMap(\.interruption).first
        isChained = parts.allSatisfy(\.isChained)
        missing = Self.missing(parts)
        damage = missing ?? parts.lazy.compactMap(\.damage).first
        isComplete = missing == nil && parts.allSatisfy(\.isComplete)
        let results = parts.compactMap(\.restored)
        restored = results.isEmpty ? nil : results.allSatisfy(\.self)
        ended = parts.map(\.ended).max() ?? .origin
        let states = parts.map(\.state)
        state =
            states.contains(.running)
            ? .running : !isComplete || states.contains(.killed) ? .killed : interruption != nil ? .aborted : .judged
        verdict = Verdict.combined(parts.map(\.verdict)) ?? .invalid
        if !isComplete, verdict == .pass { verdict = .aborted }
        exitCode = RunExitCode.worst(parts.map(\.exitCode) + (missing == nil ? [] : [.invalid]))
        // The check says that nothing was touched in the whole run.
        if exitCode == .preflightFailed, experiments.contains(where: { !$0.repeats.isEmpty }) { exitCode = .invalid }
        journals = experiments.map { "\($0.name)/\(RunFolder.journal)" }
    }

    /// The reason why these are not all the parts of one run, or `nil`.
    private static func missing(_ parts: [Findings]) -> String? {
        let places = parts.compactMap { $0.run?.part }
        guard Set(places.map(\.run)).count <= 1 else { return "there are journals of several runs in one folder" }
        let count = places.map(\.count).max() ?? 0
        guard parts.count < count else { return nil }
        return "the journals of \(count - parts.count) of the run's \(counted(count, "experiment is", "experiments are")) not there"
    }
}

extension RunExitCode {
    /// The worst exit code: not restored, data lost, failed, then the end of a run, inconclusive, preflight.
    public static func worst(_ codes: some Sequence<RunExitCode>) -> RunExitCode {
        let order: [RunExitCode] = [
            .notRestored, .dataLost, .failed, .internalError, .interrupted, .terminated, .hungUp, .usage, .invalid, .preflightFailed, .pass,
        ]
        let found = Set(codes)
        return order.first(where: found.contains) ?? .invalid
    }
}
