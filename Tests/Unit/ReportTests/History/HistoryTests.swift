import Experiment
import Foundation
import JSON
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct HistoryTests {
    private func entry(_ night: Int, _ edit: (inout Script) -> Void = { _ in }) throws -> HistoryEntry {
        var script = Script()
        script.interval = 200
        edit(&script)
        script.change { record in
            guard case .runStarted(var started) = record.event else { return }
            started.runID = "run\(night)"
            started.startedAt = "2026-11-\(night < 10 ? "0" : "")\(night)T01:00:00Z"
            record.event = .runStarted(started)
        }
        return try HistoryEntry(results: Results(script.findings()).data(), path: "results.json")
    }

    private func failing(_ script: inout Script) { script.expect = "downtime: {max: 1s}" }

    @Test func theNewestNightDecidesAndItsFailureHasABeginning() throws {
        let entries = [try entry(3, failing), try entry(1), try entry(2, failing)]
        let history = History(entries, today: "2026-11-04")
        let series = try #require(history.series.first)
        #expect(series.nights.map(\.run) == ["run1", "run2", "run3"])
        #expect(series.lastPassed?.run == "run1")
        #expect(series.firstSeen("downtime")?.run == "run2")
        #expect(history.exitCode == .failed)
        #expect(History([try entry(1, failing), try entry(2)], today: "2026-11-04").exitCode == .pass)
        #expect(History([], today: "2026-11-04").exitCode == .invalid)
    }

    @Test func aKnownFailureDoesNotCountUntilItExpires() throws {
        let known = KnownFailure(experiment: "pod-delete", check: "downtime", why: "slow disk", owner: "dba", expires: "2026-11-10")
        let entries = [try entry(1, failing)]
        #expect(History(entries, known: [known], today: "2026-11-10").exitCode == .pass)
        #expect(History(entries, known: [known], today: "2026-11-11").exitCode == .failed)
        var other = known
        other.check = "recovery"
        #expect(History(entries, known: [other], today: "2026-11-10").exitCode == .failed)
        let text = HistoryReport(History(entries, known: [known], today: "2026-11-10")).text
        #expect(text.contains("not passed: downtime, since 2026-11-01T01:00:00Z, known until 2026-11-10 (dba): slow disk"))
    }

    @Test(arguments: ["", "# none any more\n", "[]\n"]) func noFailureMayBeKnown(_ text: String) throws {
        #expect(try KnownFailure.parse(text, file: "known.yaml").isEmpty)
    }

    @Test(arguments: [
        ("owner: dba", "owenr: dba", "known.yaml:4:3: error: unknown key 'owenr' in [0]", "did you mean 'owner'?"),
        ("2026-11-10", "2026-11-31x", "known.yaml:5:12: error: [0].expires: '2026-11-31x' is not a day", nil),
        ("- experiment", "a: 1 # ", "known.yaml:1:1: error: the document is a list of objects with experiment, check", nil),
        ("why: slow disk", "why: [", "known.yaml:", nil),
    ])
    func aSlipInKnownFailuresIsShownWhereItIs(_ good: String, _ bad: String, _ words: String, _ hint: String?) throws {
        let text = "- experiment: pod-delete\n  check: downtime\n  why: slow disk\n  owner: dba\n  expires: 2026-11-10\n"
        #expect(try KnownFailure.parse(text, file: "known.yaml").map(\.owner) == ["dba"])
        let lines = good == "- experiment" ? "a: 1\n" : text.replacing(good, with: bad)
        let error = #expect(throws: ExperimentFileError.self) { try KnownFailure.parse(lines, file: "known.yaml") }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        if let hint { #expect(error?.description.contains(hint) == true) }
    }

    @Test func passingAndFailingByTurnsIsFlaky() throws {
        let entries = try (1...6).map { try $0 % 2 == 0 ? entry($0, failing) : entry($0) }
        #expect(History(entries, today: "2026-11-10").series.first?.isFlaky == true)
        #expect(History(Array(entries.prefix(2)), today: "2026-11-10").series.first?.isFlaky == false)
    }

    @Test func aFileKeepsWhatAFolderSays() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("history-\(UUID().uuidString).ndjson").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let entries = [try entry(1), try entry(2, failing)]
        for entry in entries { try entry.append(to: path) }
        #expect(try HistoryEntry.load(path) == entries)
        // A run that is in two places is one night.
        #expect(History(entries + entries, today: "2026-11-10").series.first?.nights.count == 2)
    }

    @Test func theReportsSayTheSame() throws {
        let history = History(try (1...3).map { try entry($0) }, today: "2026-11-10")
        let report = HistoryReport(history)
        let json = try JSONValue(parsing: report.data())
        #expect(json["experiments"]?[0]?["nights"]?.array?.count == 3)
        #expect(json["experiments"]?[0]?["nights"]?[0]?["worst"]?["upperMs"]?.isNull == false)
        #expect(json["changePointTest"]?["name"]?.string == "Pettitt")
        let page = String(decoding: report.html(), as: UTF8.self)
        #expect(page.matches(of: /<rect/).count == 9)
        #expect(!page.contains("<script"))
    }
}
