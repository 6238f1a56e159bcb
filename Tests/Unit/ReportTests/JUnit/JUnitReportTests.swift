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
        #expect(message == "down for at most 2.053 s, at least 1.949 s, allowed 1 s (connect track, every 0.050 s, 1 outage)")
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
        #expect(properties["downtime.limit.ms"] == "5000")
        #expect(properties["repeats.made"] == "1")
        #expect(properties["downtime.login.worst.lower.ms"] == "1949")
        #expect(properties["downtime.login.worst.upper.ms"] == "2053")
        #expect(properties["repeat.1.rows.lost"] == "0")
    }

    /// A reader that allows a property once must be able to read two experiments.
    @Test func theRunsPropertiesAreThereOnce() throws {
        var findings = Script().findings()
        findings.experiments += findings.experiments
        let suites = try document(findings).suites
        #expect(suites.map { $0.properties["run.id"] } == ["run1", nil])
        #expect(suites.map { $0.properties["fault"] } == ["podDelete", "podDelete"])
    }

    /// A service that never comes back breaks many clauses, by one cause.
    @Test func oneCauseIsOneFailureAndTheRestPointsToIt() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        script.expect = "downtime: {max: 1s}, node: same"
        let findings = script.findings()
        let document = try document(findings)
        let failed = document.cases.filter { ["failure", "error"].contains($0.results.first?.element ?? "") }
        #expect(failed.map(\.name) == ["recovery"])
        #expect(document.result("downtime")?.message?.hasPrefix("follows from recovery: down for at least 9.") == true)
        #expect(document.result("placement")?.element == "skipped")
        #expect(document.result("replicas")?.element == "skipped")
        #expect(findings.verdict == .fail)
        #expect(!document.passes)
    }

    @Test func lostRowsAreACauseOfTheirOwn() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}, recoveredWithin: 1s"
        var ledger = script.keptLedger()
        ledger.lost = 1
        script.ledger = ledger
        let document = try document(script.findings())
        let failed = document.cases.filter { $0.results.first?.element == "failure" }
        #expect(failed.map(\.name) == ["downtime", "data-persistence"])
    }

    @Test func theTimesAddUp() throws {
        var script = Script()
        script.repeats = 3
        let document = try document(script.findings())
        func milliseconds(_ text: String?) -> Int { Int(((Double(text ?? "") ?? -1) * 1000).rounded()) }
        let suite = try #require(document.suites.first)
        #expect(suite.cases.reduce(0) { $0 + milliseconds($1.time) } == milliseconds(suite.attributes["time"]))
        #expect(milliseconds(document.root["time"]) == milliseconds(suite.attributes["time"]))
        #expect(milliseconds(suite.attributes["time"]) > 60_000)
    }

    @Test func whatDidNotPassHasItsEvidenceAttached() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}"
        let text = String(
            decoding: try JUnitReport(script.findings(), options: JUnitOptions(attachments: "reports/x")).data(), as: UTF8.self)
        #expect(text.matches(of: #/\[\[ATTACHMENT\|reports/x/report.html\]\]/#).count == 1)
    }

    /// A list shows the beginning of a message: it has the number that matters.
    @Test func theFirstEightyCharactersSayWhatWasMeasured() throws {
        var script = Script()
        script.repeats = 2
        script.expect = "downtime: {max: 1s}"
        var ledger = script.keptLedger()
        ledger.lost = 3
        script.ledger = ledger
        let document = try document(script.findings())
        #expect(document.result("downtime")?.message?.prefix(80).contains("at most 2.053 s, at least 1.949 s, allowed 1 s") == true)
        #expect(document.result("data-persistence")?.message?.prefix(80).contains("3 lost (allowed 0)") == true)
    }

    @Test func theExtendedProfileHasPropertiesInItsTestcases() throws {
        let data = try JUnitReport(Script().findings(), options: JUnitOptions(profile: .extended)).data()
        let text = String(decoding: data, as: UTF8.self)
        let downtime = try #require(text.firstMatch(of: /<testcase name="downtime".*?<\/testcase>/.dotMatchesNewlines()))
        #expect(downtime.output.contains(#"<property name="downtime.write.worst.upper.ms" value=""#))
        #expect(downtime.output.contains(#"file="experiment.yaml""#))
    }
}
