import Checkout
import Foundation
import JSON
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
        return try StoredResults(Results(script.findings()).data(), path: "results.json")
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

    /// A folder of nights is one side: each run counts once, and one that was probed otherwise is left out and named.
    @Test func nightsArePooled() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nights-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        func night(_ name: String, _ edit: (inout Script) -> Void = { _ in }) throws {
            let own = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            var script = Script()
            edit(&script)
            var results = Results(script.findings())
            results.run?.id = name == "copy" ? "1" : name
            try results.data().write(to: own.appendingPathComponent("results.json"))
        }
        try night("1")
        try night("2")
        try night("copy")
        try night("other") { $0.interval = 100 }
        let pooled = try StoredResults(pooling: [folder.path])
        let report = ComparisonReport(baseline: pooled, current: try stored(), maxRegression: 0.2, alpha: 0.05)
        #expect(report.comparisons.allSatisfy { $0.baseline.count == 2 })
        #expect(report.mismatches.map(\.experiment) == ["pod-delete"])
        #expect(report.losses.map(\.baseline.repeats) == [2])
    }

    @Test func aLossThatTheBaselineDidNotHaveIsARegressionFromTheFirstRepeatOn() throws {
        let damaged = try stored { script in
            script.repeats = 1
            var ledger = script.keptLedger()
            ledger.kept -= 1
            ledger.lost = 1
            script.ledger = ledger
        }
        let report = ComparisonReport(baseline: try stored { $0.repeats = 1 }, current: damaged, maxRegression: 0.2, alpha: 0.05)
        #expect(report.isRegression)
        #expect(report.text.contains("current in 1 of 1 repeat with 1 row  REGRESSION"))
        let reverse = ComparisonReport(baseline: damaged, current: try stored(), maxRegression: 0.2, alpha: 0.05)
        #expect(!reverse.isRegression)
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

    /// One model writes and reads: nothing is lost on the way, and every key has its place.
    @Test func aFileIsReadWhole() throws {
        var unread = Script()
        unread.drop { if case .ledgerChecked = $0 { true } else { false } }
        var stale = Script()
        var ledger = stale.keptLedger()
        ledger.staleRegisters = [.init(writer: 1, acknowledged: 7, found: nil)]
        ledger.checkDatabase = ["page 1 is torn"]
        ledger.transfers = .torn(1, 17)
        ledger.transfers?.tornTransfers[0].sequence = nil
        stale.ledger = ledger
        for script in [Script(), unread, stale] {
            let data = try Results(script.findings()).data()
            #expect(String(decoding: try Results(reading: data, path: "").data(), as: UTF8.self) == String(decoding: data, as: UTF8.self))
        }
        let example = Checkout.root.appendingPathComponent("reports/example/results.json")
        #expect(try Results(reading: Data(contentsOf: example), path: "").experiments.isEmpty == false)
    }

    /// The next run's preflight learns from this one how long the server takes to stop.
    @Test func theShutdownsOfARunAreKnownToTheNext() throws {
        var script = Script()
        script.fault = "podDelete: {}"
        script.gracePeriod = 30
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("earlier-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let results = Results(script.findings())
        try results.data().write(to: folder.appendingPathComponent("results.json"))
        let context = try #require(results.run?.context)
        let seen = try #require(EarlierShutdown.seen(in: [folder.path, "/nowhere"], context: context).first)
        #expect(seen.workload == "mssql")
        #expect(seen.gracePeriod == .seconds(30))
        #expect(seen.isClean)
        #expect(EarlierShutdown.seen(in: [folder.path], context: "another").isEmpty)
        // The same run's next experiment learns it from the findings so far.
        let own = try #require(EarlierShutdown.seen(in: script.findings()).first)
        #expect(
            (own.workload, own.namespace, own.gracePeriod, own.isClean) == (seen.workload, seen.namespace, seen.gracePeriod, seen.isClean))
    }

    /// A file from before a key existed is read all the same.
    @Test func aFileOfAnEarlierVersionIsRead() throws {
        let added: Set = [
            "state", "chained", "target", "follows", "remarks", "recoveredMs", "nodeLoss", "unknownOverwritten", "gone",
            "checkDatabaseSkipped", "measuredRecovery", "torn", "transfers", "clientDowntimeMaxMs",
        ]
        func earlier(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let members): .object(members.filter { !added.contains($0.key) }.mapValues(earlier))
            case .array(let elements): .array(elements.map(earlier))
            default: value
            }
        }
        let data = try Results(Script().findings()).data()
        let old = try Results(reading: earlier(JSONValue(parsing: data)).data(), path: "")
        let new = Results(Script().findings())
        #expect(old.experiments.first?.repeats.first?.downtime == new.experiments.first?.repeats.first?.downtime)
    }

    @Test func aMissingKeyIsNamed() throws {
        let text = String(decoding: try Results(Script().findings()).data(), as: UTF8.self).replacing("\"fault\" :", with: "\"fautl\" :")
        let error = #expect(throws: ReportError.self) { try StoredResults(Data(text.utf8), path: "a.json") }
        #expect(error?.description == "a.json cannot be read: experiments.0.fault is missing or has another form")
    }

    @Test func anythingElseIsRefused() {
        #expect(throws: ReportError.self) { try StoredResults(Data("{}".utf8), path: "a.json") }
        #expect(throws: ReportError.self) { try StoredResults(Data("no".utf8), path: "a.json") }
    }
}
