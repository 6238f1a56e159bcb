import Foundation
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct StoredResultsTests {
    private func stored(_ edit: (inout Script) -> Void = { _ in }) throws -> StoredResults {
        var script = Script()
        script.repeats = 6
        edit(&script)
        return try StoredResults(ResultsReport(script.findings()).data(), path: "results.json")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        let (pairs, mismatches) = StoredResults.pairs(
            baseline: try stored(), current: try stored { $0.outs = [.init(from: 10_000, to: 14_000)] })
        #expect(mismatches == [])
        #expect(pairs.map(\.track) == ["connect", "login", "session", "write"])
        #expect(pairs.first?.baseline == Array(repeating: Sample.Value(.milliseconds(2053)), count: 6))
        #expect(pairs.first?.current == Array(repeating: Sample.Value(.milliseconds(4053)), count: 6))
        #expect(pairs.first?.resolution == .milliseconds(100))
        let text = ComparisonReport(
            Comparison.compare(pairs, maxRegression: 0.2, alpha: 0.05), mismatches: [.init(experiment: "x", reason: "not there")],
            maxRegression: 0.2
        ).text
        #expect(text.contains("pod-delete/connect"))
        #expect(text.contains("REGRESSION"))
        #expect(text.hasSuffix("not compared: x: not there\n"))
    }

    @Test func whatIsNotTheSameIsNotCompared() throws {
        let other = try stored { $0.name = "another" }
        #expect(
            StoredResults.pairs(baseline: try stored(), current: other).mismatches.map(\.description) == [
                "another: not in the baseline", "pod-delete: only in the baseline",
            ])
        let slower = try stored { $0.interval = 100 }
        #expect(StoredResults.pairs(baseline: try stored(), current: slower).mismatches.count == 4)
    }

    @Test func anythingElseIsRefused() {
        #expect(throws: ReportError.self) { try StoredResults(Data("{}".utf8), path: "a.json") }
        #expect(throws: ReportError.self) { try StoredResults(Data("no".utf8), path: "a.json") }
    }
}
