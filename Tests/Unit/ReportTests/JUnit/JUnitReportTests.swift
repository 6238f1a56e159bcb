import Foundation
import JUnitReading
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct JUnitReportTests {
    private func document(_ findings: Findings) throws -> JUnitDocument {
        try JUnitDocument(JUnitReport(findings).data())
    }

    @Test func everyExperimentHasTheSameTestcases() throws {
        let document = try document(Script().findings())
        #expect(document.cases.map(\.name) == Check.allCases.map(\.rawValue))
        #expect(document.cases.allSatisfy { $0.className == "aftershock.pod-delete" })
        #expect(document.passes)
        #expect(document.suites.first?.attributes["name"] == "pod-delete")
    }

    @Test func aBrokenPromiseIsAFailureThatSaysMeasuredAllowedAndHow() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}"
        let document = try document(script.findings())
        let failure = try #require(document.result("downtime"))
        #expect(failure.element == "failure")
        #expect(failure.type == "verdict.downtime")
        let message = try #require(failure.message)
        #expect(message == "down for at most 2.053 s, at least 1.949 s, allowed 1s (connect track, every 50ms, 1 outage)")
        #expect(failure.body.hasPrefix(message))
        #expect(failure.body.contains("tcp/refused"))
    }

    @Test func couldNotTellIsAnErrorAndWhatDependsOnItIsSkipped() throws {
        var script = Script()
        script.drop { if case .faultEffect = $0 { true } else { false } }
        let document = try document(script.findings())
        #expect(document.result("fault-took-effect")?.element == "error")
        #expect(document.result("fault-took-effect")?.type == "gate.faultNotProven")
        #expect(document.result("downtime")?.element == "skipped")
        #expect(document.result("recovery")?.element == "skipped")
        #expect(!document.passes)
    }

    @Test func countersAreTheSumsOfTheCases() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}, node: same"
        script.drop { if case .ledgerChecked = $0 { true } else { false } }
        let document = try document(script.findings())
        for suite in document.suites {
            func count(_ element: String) -> String { String(suite.cases.count { $0.results.first?.element == element }) }
            #expect(suite.attributes["tests"] == String(suite.cases.count))
            #expect(suite.attributes["failures"] == count("failure"))
            #expect(suite.attributes["errors"] == count("error"))
            #expect(suite.attributes["skipped"] == count("skipped"))
        }
        #expect(document.root["failures"] == "2")
        #expect(document.root["errors"] == "1")
    }

    @Test func timesHaveThreeDecimalsAndTimestampsNoZone() throws {
        let document = try document(Script().findings())
        let times = document.cases.map(\.time) + document.suites.compactMap { $0.attributes["time"] } + [document.root["time"] ?? ""]
        for time in times { #expect(time.wholeMatch(of: /[0-9]+\.[0-9]{3}/) != nil, "\(time)") }
        #expect(document.suites.first?.attributes["timestamp"] == "2026-11-21T09:00:00")
    }

    @Test func controlCharactersAndColoursNeverReachTheFile() throws {
        var script = Script()
        script.change { record in
            if case .faultEffect = record.event {
                record.event = .faultEffect(
                    FaultEffect(proven: false, evidence: ["\u{1b}[31mred\u{1b}[0m \u{0} \u{7} \u{FFFE} <&>\" ]]> \u{1F600}"]))
            }
        }
        let data = try JUnitReport(script.findings()).data()
        let error = try #require(try JUnitDocument(data).result("fault-took-effect"))
        #expect(error.message?.contains(#"red \x0 \x7 \xfffe <&>" ]]>"#) == true, "\(error)")
        #expect(!data.contains(0x1b))
    }

    @Test func messagesAreShortAndOneLine() throws {
        var script = Script()
        let long = String(repeating: "a long line\n", count: 100)
        script.change { record in
            if case .faultEffect = record.event { record.event = .faultEffect(FaultEffect(proven: false, evidence: [long])) }
        }
        let message = try #require(try document(script.findings()).result("fault-took-effect")?.message)
        #expect(message.count <= 250)
        #expect(!message.contains("\n"))
    }

    @Test func anEmptyJournalIsAnErrorToo() throws {
        let document = try document(FindingsReducer().findings())
        #expect(document.cases.map(\.name) == Check.allCases.map(\.rawValue))
        #expect(document.result("preflight")?.element == "error")
        #expect(!document.passes)
    }

    @Test func theRunIsInTheProperties() throws {
        let properties = try #require(try document(Script().findings()).suites.first?.properties)
        #expect(properties["run.id"] == "run1")
        #expect(properties["fault"] == "podDelete")
        #expect(properties["downtime.limit"] == "5s")
        #expect(properties["repeats"] == "1/1")
    }
}
