import Foundation
import JUnitReading
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

/// The testcase that `compare` adds.
@Suite struct JUnitBaselineTests {
    private func findings(repeats: Int = 6, _ edit: (inout Script) -> Void = { _ in }) -> Findings {
        var script = Script()
        script.repeats = repeats
        edit(&script)
        return script.findings()
    }

    /// The junit.xml of `current`, compared with `baseline`.
    private func data(baseline: Findings, current: Findings) throws -> Data {
        func stored(_ findings: Findings) throws -> StoredResults {
            try StoredResults(Results(findings).data(), path: "results.json")
        }
        let (pairs, mismatches) = StoredResults.pairs(baseline: try stored(baseline), current: try stored(current))
        let comparison = ComparisonReport(
            Comparison.compare(pairs, maxRegression: 0.2, alpha: 0.05), mismatches: mismatches, maxRegression: 0.2)
        return try JUnitReport(current, comparison: comparison).data()
    }

    private func document(baseline: Findings, current: Findings) throws -> JUnitDocument {
        try JUnitDocument(data(baseline: baseline, current: current))
    }

    private let slower: (inout Script) -> Void = { $0.outs = [.init(from: 10_000, to: 14_000)] }

    @Test func theSameIsAPassAndTheOtherTestcasesStayAsTheyAre() throws {
        let document = try document(baseline: findings(), current: findings())
        #expect(document.cases.map(\.name) == Check.allCases.map(\.rawValue) + ["baseline"])
        #expect(document.passes)
        #expect(document.suites.first?.attributes["tests"] == String(Check.allCases.count + 1))
    }

    @Test func aSlowerRunIsAFailureThatSaysByHowMuchAndWhatWasAllowed() throws {
        let data = try data(baseline: findings(), current: findings(slower))
        let document = try JUnitDocument(data)
        let failure = try #require(document.result("baseline"))
        #expect(failure.element == "failure")
        #expect(failure.type == "verdict.baseline")
        let message = try #require(failure.message)
        #expect(message.hasPrefix("slower than the baseline: connect median 4.053 s, before 2.053 s, +97.4%, p="))
        #expect(failure.body.contains("allowed +20%"))
        #expect(document.root["failures"] == "1")
        #expect(JUnitSchema.problems(of: data) == "")
    }

    @Test func aFasterRunIsNoFailure() throws {
        #expect(try document(baseline: findings(slower), current: findings()).passes)
    }

    @Test func tooFewRepeatsAreSkippedAndNoPass() throws {
        let result = try #require(try document(baseline: findings(repeats: 3), current: findings(slower)).result("baseline"))
        #expect(result.element == "skipped")
        #expect(result.message == "not compared: there are 3+6 repeats, 2 more are needed")
    }

    @Test func whatIsNotInTheBaselineIsSkippedWithTheReason() throws {
        let result = try #require(try document(baseline: findings { $0.name = "another" }, current: findings()).result("baseline"))
        #expect(result.element == "skipped")
        #expect(result.message == "not compared: pod-delete: not in the baseline")
    }
}
