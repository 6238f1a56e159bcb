import Foundation
import JSON
import JUnitReading
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct MergedReportTests {
    /// A folder of merged reports that is gone with the test.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("merged-\(UUID().uuidString)").path

        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }

        func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }
    }

    private let folder: Folder

    init() throws { folder = try Folder() }

    private func run(_ id: String, in context: String = "sandbox", _ edit: (inout Script) -> Void = { _ in }) -> Findings {
        var script = Script()
        script.interval = 500
        edit(&script)
        script.change { record in
            guard case .runStarted(var started) = record.event else { return }
            started.runID = id
            started.context = context
            record.event = .runStarted(started)
        }
        return script.findings()
    }

    private func merge(_ all: [(folder: String, findings: Findings)], cluster: String? = nil) throws -> MergedReport {
        var report = try MergedReport(to: folder.path)
        for one in all { _ = try report.add(one.findings, cluster: cluster, folder: one.folder) }
        try report.write()
        return report
    }

    @Test(arguments: RunExitCode.allCases.filter { ![.pass, .usage].contains($0) })
    func aRunThatDidNotPassIsNotCoveredByOneThatDid(code: RunExitCode) throws {
        var ended = run("1")
        ended.exitCode = code
        #expect(try merge([("/a", ended), ("/b", run("2"))]).exitCode == code)
    }

    @Test func twoClustersAreOneReport() throws {
        let failed = run("2", in: "east") { $0.expect = "downtime: {max: 1s}" }
        let report = try merge([("/a", run("1")), ("/b", failed)])
        #expect(report.exitCode == .failed)
        let junit = try JUnitDocument(folder.data("junit.xml"))
        #expect(junit.suites.map { $0.attributes["name"] } == ["sandbox/pod-delete", "east/pod-delete"])
        #expect(junit.suites.map { $0.attributes["id"] } == ["0", "1"])
        let cases = junit.suites.flatMap(\.cases)
        #expect(junit.root["tests"] == String(cases.count))
        #expect(junit.root["failures"] == String(cases.count { $0.results.contains { $0.element == "failure" } }))
        #expect(JUnitSchema.problems(of: try folder.data("junit.xml")) == "")
        let metrics = try folder.text("metrics.prom")
        #expect(metrics.matches(of: /# TYPE aftershock_verdict gauge/).count == 1)
        #expect(metrics.contains("aftershock_merged_runs{exit_code=\"0\"} 1.0\naftershock_merged_runs{exit_code=\"1\"} 1.0\n"))
        #expect(try folder.text("repeats.csv").split(separator: "\r\n").count == 3)
        let results = try JSONValue(parsing: folder.data("results.json"))
        #expect(results["exitCode"]?.integer == 1 && results["runs"]?.array?.count == 2)
        // The worst is the first.
        let page = try folder.text("report.html")
        let rows = page.matches(of: /<td>(sandbox|east)<\/td>/).map { String($0.output.1) }
        #expect(rows == ["east", "sandbox"])
        #expect(report.text.contains("1 fail, 1 pass\n2 runs, exit code 1"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 5, "nothing else is left")
    }

    /// A run that goes on, one that was killed, and a folder without a journal.
    @Test func whatHasNoVerdictIsNamedAndIsNoPass() throws {
        var running = run("1", in: "north")
        running.state = .running
        running.exitCode = .pass
        let killed = run("2", in: "east") { $0.drop { if case .runEnded = $0 { true } else { false } } }
        var report = try MergedReport(to: folder.path)
        _ = try report.add(running, folder: "/north")
        _ = try report.add(killed, folder: "/east")
        try report.add(unreadable: "no journal", cluster: "west", folder: "/west")
        try report.write()
        #expect(report.exitCode == .invalid)
        let junit = try JUnitDocument(folder.data("junit.xml"))
        let wrong = junit.suites.filter { $0.cases.contains { $0.results.contains { $0.element == "error" } } }.map {
            $0.attributes["name"]
        }
        #expect(wrong == ["north/aftershock", "east/pod-delete", "east/aftershock", "west/aftershock"])
        #expect(junit.root["errors"] == "4")
        #expect(JUnitSchema.problems(of: try folder.data("junit.xml")) == "")
        for reason in ["the run goes on", "the run was killed", "no journal"] {
            #expect(report.text.contains(reason))
            #expect(try folder.text("report.html").contains(reason))
            #expect(try folder.text("results.json").contains(reason))
        }
        #expect(try folder.text("metrics.prom").contains("aftershock_merged_runs{exit_code=\"4\"} 3.0"))
    }

    /// Many small clusters call themselves `default`: two series of one name would be one.
    @Test func clustersOfOneNameStayApart() throws {
        _ = try merge([("/a", run("1", in: "default")), ("/b", run("2", in: "default")), ("/c", run("3", in: "default"))])
        let series = try folder.text("metrics.prom").split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            String($0[...($0.lastIndex(of: "}") ?? $0.startIndex)])
        }
        #expect(Set(series).count == series.count)
        #expect(series.count { $0.hasPrefix("aftershock_exit_code{cluster=\"default (/b)\"") } == 1)
        let junit = try JUnitDocument(folder.data("junit.xml"))
        #expect(Set(junit.suites.compactMap { $0.attributes["name"] }).count == 3)
        let rows = try folder.text("repeats.csv").split(separator: "\r\n").dropFirst().map { $0.split(separator: ",")[2] }
        #expect(rows == ["default", "default (/b)", "default (/c)"])
    }

    @Test func aRunIsCountedOnceForACluster() throws {
        var report = try MergedReport(to: folder.path)
        #expect(try report.add(run("1"), folder: "/a") == nil)
        #expect(try report.add(run("1"), folder: "/a-again") == "/a")
        // A cluster's folder that has the run of another one is still a cluster.
        #expect(try report.add(run("1"), cluster: "one", folder: "/one/1") == nil)
        try report.write()
        #expect(try JSONValue(parsing: folder.data("results.json"))["runs"]?.array?.count == 2)
        #expect(
            try JUnitDocument(folder.data("junit.xml")).suites.map { $0.attributes["name"] } == ["sandbox/pod-delete", "one/pod-delete"])
    }

    /// Nothing of many runs is left out or said twice, and the page shows the worst and closes the rest.
    @Test func manyRunsAreAllThere() throws {
        let (passed, failed) = (run("x"), run("x") { $0.expect = "downtime: {max: 1s}" })
        var report = try MergedReport(to: folder.path, sizes: MergedPage.Sizes(shown: 20, portion: 50))
        for number in 1...130 {
            var one = number % 10 == 0 ? failed : passed
            one.run?.id = "run\(number)"
            _ = try report.add(one, cluster: "store-\(number)", folder: "/fleet/store-\(number)/1")
        }
        try report.write()
        let text = report.text
        #expect(text.contains("13 fail, 117 pass\n130 runs, exit code 1") && text.contains("... and 110 more"))
        let lines = text.split(separator: "\n")
        #expect(lines.count == 24 && lines[1...13].allSatisfy { $0.contains("fail") })
        let junit = try JUnitDocument(folder.data("junit.xml"))
        #expect(Set(junit.suites.compactMap { $0.attributes["name"] }).count == 130 && junit.root["failures"] == "13")
        #expect(junit.suites.compactMap { $0.attributes["id"] } == (0..<130).map(String.init))
        #expect(try JSONValue(parsing: folder.data("results.json"))["runs"]?.array?.count == 130)
        #expect(try folder.text("metrics.prom").ranges(of: "\naftershock_exit_code{").count == 130)
        #expect(try folder.text("repeats.csv").split(separator: "\r\n").count == 131)
        let page = try folder.text("report.html")
        #expect(page.ranges(of: "<th scope=\"row\"><a ").count == 130)
        #expect(page.ranges(of: "<details open>").count == 1 && page.ranges(of: "<details>").count == 3)
        #expect(page.ranges(of: "<svg ").count == 20 && page.contains("Only 20 clusters are shown"))
        #expect(page.contains("<details open><summary>13 fail</summary>"))
    }

    @Test(arguments: [
        ("/r/merged", "/r/fleet/a/1", "../fleet/a/1"), ("/r", "/r/a b/#1", "a%20b/%231"), ("/x/y", "/z", "../../z"),
        ("/x", "/x/50%", "50%25"),
    ])
    func aLinkIsRelative(from page: String, to file: String, link: String) {
        #expect(MergedPage.link(from: page, to: file) == link)
    }
}
