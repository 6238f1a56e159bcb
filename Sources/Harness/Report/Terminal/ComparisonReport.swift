import Foundation
import JSON
public import Verdict

/// The output of `compare`: a line a track, in the manner of benchstat.
public struct ComparisonReport {
    let comparisons: [Comparison]
    let mismatches: [StoredResults.Mismatch]
    let maxRegression: Double

    /// - Parameter maxRegression: the change that was allowed, 0.2 for a fifth more.
    public init(_ comparisons: [Comparison], mismatches: [StoredResults.Mismatch], maxRegression: Double) {
        self.comparisons = comparisons
        self.mismatches = mismatches
        self.maxRegression = maxRegression
    }

    public var text: String { text(width: nil) }

    /// - Parameter width: the columns that the table is to fit in; `nil`: no limit.
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
        return (table.lines(width: width) + mismatches.map { "not compared: \($0)" }).joined(separator: "\n") + "\n"
    }

    /// The same for programs.
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
                        ]
                    }),
                "notCompared": .array(mismatches.map { .string($0.description) }),
            ]
            return String(decoding: try json.data(pretty: true), as: UTF8.self)
        }
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

    private func word(_ comparison: Comparison) -> String {
        switch comparison.outcome {
        case .tooFew: "needs \(Comparison.needed) repeats on each side"
        case .unchanged: ""
        case .faster: "faster"
        case .slower: comparison.isRegression ? "REGRESSION" : "slower, within the limit"
        }
    }
}
