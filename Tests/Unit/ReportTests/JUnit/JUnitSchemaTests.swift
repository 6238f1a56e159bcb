import Foundation
import JUnitReading
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct JUnitSchemaTests {
    @Test func theSchemaFindsWhatIsWrong() throws {
        #expect(JUnitSchema.problems(of: Data("<testsuites><testsuite/></testsuites>".utf8)) != "")
        #expect(JUnitSchema.problems(of: Data("<testsuites".utf8)) != "")
        let valid = String(decoding: try JUnitReport(Script().findings()).data(), as: UTF8.self)
        for (part, other) in [
            ("time=\"0.000\"", "time=\"0\""), ("<system-out>", "<system-out/><system-out>"),
            ("name=\"downtime\"", "name=\"recovery\""),
            ("hostname=", "host="),
        ] {
            #expect(valid.contains(part))
            #expect(JUnitSchema.problems(of: Data(valid.replacing(part, with: other).utf8)) != "", "\(part) as \(other)")
        }
    }

    @Test func everyOutcomeIsValid() throws {
        var failing = Script()
        failing.expect = "downtime: {max: 1s}, node: same"
        var invalid = Script()
        invalid.drop { if case .faultEffect = $0 { true } else { false } }
        for findings in [Script().findings(), failing.findings(), invalid.findings(), FindingsReducer().findings()] {
            #expect(JUnitSchema.problems(of: try JUnitReport(findings).data()) == "")
        }
    }

    /// The harness may be killed at any moment; what it leaves is a valid report of a run that did not pass.
    @Test func aJournalThatEndsAnywhereIsValidAndDoesNotPass() throws {
        var script = Script()
        script.repeats = 2
        script.interval = 500
        let records = script.records
        var reducer = FindingsReducer()
        for (count, record) in records.enumerated() {
            let findings = reducer.findings()
            let data = try JUnitReport(findings).data()
            #expect(JUnitSchema.problems(of: data) == "", "after \(count) records")
            let document = try JUnitDocument(data)
            #expect(!document.passes, "after \(count) records")
            #expect(document.cases.count == Check.allCases.count, "after \(count) records")
            #expect(document.cases.allSatisfy { $0.results.count <= 1 })
            let aborted = document.cases.filter { $0.results.first?.type == "aborted" }
            #expect(aborted.count == 1, "after \(count) records: \(aborted.map(\.name))")
            #expect(findings.exitCode != .pass, "after \(count) records")
            reducer.add(record)
        }
        #expect(try JUnitDocument(JUnitReport(reducer.findings()).data()).passes)
    }
}
