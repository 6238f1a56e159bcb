import Foundation
import JSON
import Journal
public import Verdict

/// The output of `compare`: a line for each track, like benchstat's.
public struct ComparisonReport {
    let comparisons: [Comparison]
    let mismatches: [StoredResults.Mismatch]
    let maxRegression: Double
    let losses: [LossComparison]

    /// - Parameter maxRegression: the allowed change, 0.2 for a fifth more.
    public init(_ comparisons: [Comparison], mismatches: [StoredResults.Mismatch], losses: [LossComparison] = [], maxRegression: Double) {
        self.losses = losses
        self.comparisons = comparisons
        self.mismatches = mismatches
        self.maxRegression = maxRegression
    }

    /// Compares stored runs, each side pooled.
    ///
    /// - Parameter alpha: the accepted chance of any false alarm.
    public init(baseline: StoredResults, current: StoredResults, maxRegression: Double, alpha: Double) {
        let (pairs, mismatches) = StoredResults.pairs(baseline: baseline, current: current)
        self.init(
            Comparison.compare(pairs, maxRegression: maxRegression, alpha: alpha), mismatches: mismatches,
            losses: StoredResults.losses(baseline: baseline, current: current, alpha: alpha), maxRegression: maxRegression)
    }

    public var isRegression: Bool { comparisons.contains(where: \.isRegression) || losses.contains(where: \.isRegression) }
    /// Is `true` if no track could be compared.
    public var isUndecided: Bool { comparisons.allSatisfy { $0.outcome == .tooFew } }

    public var text: String { text(width: nil) }

    /// - Parameter width: the width of the table in columns; `nil` for no limit.
    public func text(width: Int?) -> String {
        var table = TextTable([
            ("experiment/track", .left), ("baseline", .right), ("current", .right), ("change", .right), ("p", .right), ("n", .right),
            ("", .left),
        ])
        for comparison in comparisons {
            table.add([
                "\(comparison.experiment)/\(comparison.track)", value(comparison.baseline), value(comparison.current),
                comparison.outcome == .slower || comparison.outcome == .faster ? change(comparison) : "~",
                comparison.p.map { String(format: "%.3f", $0) } ?? "-", "\(comparison.baseline.count)+\(comparison.current.count)",
                word(comparison),
            ])
        }
        return (table.lines(width: width) + losses.map(Self.line) + mismatches.map { "not compared: \($0)" }).joined(separator: "\n") + "\n"
    }

    /// The same as JSON.
    public var json: String {
        get throws {
            let json: JSONValue = [
                "schema": "aftershock.comparison/v1",
                "comparisons": .array(
                    comparisons.map { comparison in
                        [
                            "experiment": .string(comparison.experiment), "track": .string(comparison.track),
                            "baselineMedianMs": number(comparison.baseline.median), "currentMedianMs": number(comparison.current.median),
                            "baselineCount": .integer(Int64(comparison.baseline.count)),
                            "currentCount": .integer(Int64(comparison.current.count)),
                            "change": comparison.change.map(JSONValue.double) ?? .null, "p": comparison.p.map(JSONValue.double) ?? .null,
                            "outcome": .string(comparison.outcome.rawValue), "regression": .bool(comparison.isRegression),
                            "missing": .integer(Int64(comparison.missing)), "chance": comparison.chance.map(JSONValue.double) ?? .null,
                        ]
                    }),
                "losses": .array(
                    losses.map { loss in
                        [
                            "experiment": .string(loss.experiment), "baseline": Self.json(loss.baseline),
                            "current": Self.json(loss.current),
                            "p": .double(loss.p), "regression": .bool(loss.isRegression),
                        ]
                    }),
                "notCompared": .array(mismatches.map { .string($0.description) }),
            ]
            return String(decoding: try json.data(pretty: true), as: UTF8.self)
        }
    }

    static func line(_ loss: LossComparison) -> String {
        func side(_ side: LossComparison.Side) -> String {
            let unread = side.unread > 0 ? " (\(side.unread) more were not read back)" : ""
            return
                "\(side.damaged) of \(counted(side.repeats, "repeat"))\(side.rows > 0 ? " with \(counted(side.rows, "row"))" : "")\(unread)"
        }
        return "\(loss.experiment), rows lost or damaged: baseline in \(side(loss.baseline)), current in \(side(loss.current))"
            + (loss.isRegression ? "  REGRESSION" : "")
    }

    private static func json(_ side: LossComparison.Side) -> JSONValue {
        [
            "repeats": .integer(Int64(side.repeats)), "damaged": .integer(Int64(side.damaged)), "unread": .integer(Int64(side.unread)),
            "rows": .integer(side.rows),
        ]
    }

    private func value(_ summary: Sample.Summary) -> String {
        let interval = summary.medianInterval.map { " [\($0.lowerBound.text), \($0.upperBound.text)]" } ?? ""
        return summary.median.text + interval
    }

    private func number(_ value: Sample.Value) -> JSONValue {
        value.isAtLeast ? .null : .double(value.duration.milliseconds)
    }

    private func change(_ comparison: Comparison) -> String {
        comparison.change.map { String(format: "%+.1f%%", $0 * 100) } ?? "?"
    }

    /// Returns the sentence about a comparison with too few repeats.
    static func few(_ comparison: Comparison) -> String {
        let more = "\(counted(comparison.missing, "more repeat")) needed to tell"
        guard let chance = comparison.chance else { return "the ranges overlap; \(more)" }
        let word = comparison.baseline.maximum < comparison.current.minimum ? "slower" : "faster"
        return "every one \(word), by chance in 1 of \(Int((1 / chance).rounded())); \(more)"
    }

    private func word(_ comparison: Comparison) -> String {
        switch comparison.outcome {
        case .tooFew: Self.few(comparison)
        case .unchanged: ""
        case .faster: "faster"
        case .slower: comparison.isRegression ? "REGRESSION" : "slower, within the limit"
        }
    }
}
