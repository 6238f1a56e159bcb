import Experiment
public import Foundation
import JSON
import Journal
public import Verdict

/// The experiments of a run whose verdict differs from the previous run's.
public struct VerdictChanges: Sendable {
    public static let schema = "aftershock.verdict-change/v1"

    private struct Change: Sendable {
        /// `nil` if the experiment was not judged before.
        var before: String?
        var now: ExperimentFindings
    }

    private let findings: Findings
    private let changes: [Change]

    public var isEmpty: Bool { changes.isEmpty }

    /// Without an earlier run, a verdict other than pass is a change. An interrupted run has no changes.
    ///
    /// - Parameter earlier: the earlier runs in any order; the run itself may be among them.
    public init(_ findings: Findings, since earlier: [HistoryEntry]) {
        self.findings = findings
        let run = findings.run
        let before = earlier.filter { $0.run != run?.id && $0.startedAt <= run?.startedAt ?? "" }.sorted { $0.startedAt < $1.startedAt }
        changes = findings.experiments.filter { $0.verdict != .aborted }.compactMap { now in
            let target = now.experiment?.target
            let last = before.last { entry in
                entry.cluster == run?.context && entry.experiments.contains { $0.isJudged(now.name, target?.namespace, target?.workload) }
            }?.experiments.first { $0.isJudged(now.name, target?.namespace, target?.workload) }
            return last?.verdict ?? Verdict.pass.rawValue == now.verdict.rawValue ? nil : Change(before: last?.verdict, now: now)
        }
    }

    /// Returns the webhook's body. `text` has everything in words, for chat systems that show it.
    ///
    /// - Parameter folder: the folder of the run's reports.
    public func data(folder: String) throws -> Data {
        let run = findings.run
        let list = changes.map { change -> JSONValue in
            let target = change.now.experiment?.target
            let open = Self.open(change.now)
            let track = Headline(change.now).track
            return [
                "experiment": .string(change.now.name), "fault": .string(change.now.fault),
                "namespace": target.map { .string($0.namespace) } ?? .null, "workload": target.map { .string($0.workload) } ?? .null,
                "before": change.before.map { .string($0) } ?? .null, "now": .string(change.now.verdict.rawValue),
                "check": open.map { .string($0.check.rawValue) } ?? .null, "message": open.map { .string($0.message) } ?? .null,
                "downtime": track.map {
                    [
                        "track": .string($0.track.rawValue), "lowerMs": .double($0.downtime.lower.milliseconds),
                        "upperMs": $0.downtime.upper.map { .double($0.milliseconds) } ?? .null,
                    ]
                } ?? .null,
            ]
        }
        let document: JSONValue = [
            "schema": .string(Self.schema), "run": .string(run?.id ?? ""), "startedAt": .string(run?.startedAt ?? ""),
            "cluster": .string(run?.context ?? ""), "exitCode": .integer(Int64(findings.exitCode.rawValue)), "reports": .string(folder),
            "changes": .array(list), "text": .string(changes.map(sentence).joined(separator: "\n")),
        ]
        return try document.data()
    }

    private func sentence(_ change: Change) -> String {
        let target = change.now.experiment.map { " (\($0.target.namespace)/\($0.target.workload))" } ?? ""
        let cause = Self.open(change.now).map { ": \($0.check.rawValue): \($0.message)" } ?? ""
        return "\(change.now.name)\(target) on \(findings.run?.context ?? ""): \(change.before ?? "no verdict before"), now "
            + "\(change.now.verdict.rawValue)\(cause)"
    }

    private static func open(_ found: ExperimentFindings) -> Judgement? {
        found.judgements.first { $0.outcome == .failed && $0.follows == nil } ?? found.judgements.first { $0.outcome == .undecided }
    }
}

extension HistoryEntry.Experiment {
    fileprivate func isJudged(_ name: String, _ namespace: String?, _ workload: String?) -> Bool {
        self.name == name && self.namespace == namespace && self.workload == workload && verdict != Verdict.aborted.rawValue
    }
}
