import Foundation
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

/// A journal and a results.json are files, which anybody may have written: no number in them ends the program.
@Suite struct ExtremeNumberTests {
    private static let numbers = ["-9223372036854775808", "9223372036854775807", "4611686018427387904", "-1", "1e300", "999999999999"]

    @Test func noNumberInAJournalEndsTheJudgement() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 12_000)]
        let lines = try script.records.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        // The first line of each kind, and in it each number.
        var kinds: Set<String> = []
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("extreme-\(UUID().uuidString).ndjson").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var tried = 0
        for (index, line) in lines.enumerated() {
            let name = try #require(line.firstMatch(of: /"event":"(\w+)"/)).output.1
            guard kinds.insert(String(name)).inserted, name != "runStarted" else { continue }
            for number in line.matches(of: /[:\[,](-?\d+)(?=[,}\]])/) {
                for extreme in Self.numbers {
                    var changed = lines
                    changed[index].replaceSubrange(number.output.1.startIndex..<number.output.1.endIndex, with: extreme)
                    try Data((changed.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
                    let findings = try Findings.judge(journalPath: path)
                    try renderAll(findings)
                    tried += 1
                }
            }
        }
        #expect(tried > 100)
    }

    /// The same of records that did not come through a file.
    @Test func noTimeEndsTheReducer() throws {
        for nanoseconds in [Int64.min, .max, .max / 2, -1] {
            var script = Script()
            script.change { record in
                if case .stageEntered(let entered) = record.event, entered.stage == .recovered { record.at.nanoseconds = nanoseconds }
            }
            try renderAll(script.findings())
        }
    }

    @Test(arguments: ["1e30", "-1e30", "9223372036854775807", "-9223372036854775808", "1e308"])
    func noNumberInStoredResultsEndsTheComparison(_ number: String) throws {
        let data = try Results(Script().findings()).data()
        let text = String(decoding: data, as: UTF8.self).replacing(/"(upperMs|lowerMs|intervalMs)" : [0-9.]+/) {
            "\"\($0.output.1)\" : \(number)"
        }
        let stored = try StoredResults(Data(text.utf8), path: "results.json")
        let (pairs, mismatches) = StoredResults.pairs(baseline: stored, current: stored)
        let report = ComparisonReport(
            Comparison.compare(pairs, maxRegression: 0.2, alpha: 0.05), mismatches: mismatches, maxRegression: 0.2)
        #expect(!report.text.isEmpty)
        _ = try report.json
        let history = HistoryReport(History([try HistoryEntry(results: Data(text.utf8), path: "")], today: "2026-11-04"))
        #expect(!history.text.isEmpty)
    }

    private func renderAll(_ findings: Findings) throws {
        _ = try Results(findings).data()
        _ = try JUnitReport(findings).data()
        _ = try HTMLReport(findings).data()
        _ = SummaryReport(findings).data()
        _ = MetricsReport(findings).data()
        _ = RepeatsReport(findings).data()
        _ = TerminalReport(findings).text
    }
}
