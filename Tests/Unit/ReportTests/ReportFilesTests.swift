import Checkout
import Foundation
import FoundationXML
import JSON
import Journal
import JournalScript
import Testing

@testable import Report
@testable import Verdict

@Suite struct ReportFilesTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("report-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private var failing: Findings {
        var script = Script()
        script.repeats = 2
        script.expect = "downtime: {max: 1s}"
        return script.findings()
    }

    @Test func allFilesAreWrittenAndNothingElse() throws {
        try withFolder { folder in
            try ReportWriter(directory: folder).write(failing)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            #expect(names == ["junit.xml", "metrics.prom", "repeats.csv", "report.html", "results.json", "summary.md"])
        }
    }

    @Test func aReportThatCannotBeWrittenSaysWhere() {
        let error = #expect(throws: ReportError.self) { try ReportWriter(directory: "/proc/at/all").write(failing) }
        #expect(error?.description.contains("/proc/at/all") == true)
    }

    /// The names that other tools rely on.
    @Test func resultsHaveTheNamesOfTheContract() throws {
        let json = try JSONValue(encoding: Results(failing))
        #expect(json["schema"]?.string == "aftershock.results/v1")
        #expect(json["exitCode"]?.integer == 1)
        let experiment = try #require(json["experiments"]?[0])
        #expect(experiment["name"]?.string == "pod-delete")
        #expect(experiment["fault"]?.string == "podDelete")
        #expect(experiment["verdict"]?.string == "fail")
        let one = try #require(experiment["repeats"]?[0])
        #expect(one["verdict"]?.string == "fail")
        for track in ["connect", "login", "session", "write"] {
            let downtime = try #require(one["downtime"]?[track])
            for name in ["lowerMs", "upperMs", "estimateMs", "longestMs"] {
                let value = try #require(downtime[name]?.number, "\(track).\(name)")
                #expect(value > 1900 && value < 2100)
            }
            #expect(downtime["count"]?.integer == 1)
        }
        #expect(one["outages"]?.array?.count == 4)
        var sum = 0.0
        for phase in one["phases"]?.array ?? [] {
            sum += try #require(phase["ms"]?.number)
        }
        #expect(abs(sum - 2053) < 0.001)
        for name in [
            "attempted", "acknowledged", "refused", "unknown", "lost", "corrupt", "duplicate", "unexpected", "stale", "unknownPresent",
            "unknownAbsent",
        ] {
            #expect(one["ledger"]?[name]?.integer != nil, "\(name)")
        }
        for name in ["serviceIP", "volume", "node", "pod", "replicas"] {
            #expect(one["infrastructure"]?[name]?["before"]?.isNull == false, "\(name)")
            #expect(one["infrastructure"]?[name]?["after"]?.isNull == false, "\(name)")
        }
        #expect(one["effect"]?["proven"]?.bool == true)
        #expect(one["effect"]?["evidence"]?[0]?.string == "pod uid pod1 is gone")
        #expect(one["restore"]?["complete"]?.bool == true)
    }

    /// An unknown value is null, never a number that looks measured.
    @Test func whatIsNotKnownIsNull() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        script.drop { if case .ledgerChecked = $0 { true } else { false } }
        let one = try #require(JSONValue(encoding: Results(script.findings()))["experiments"]?[0]?["repeats"]?[0])
        #expect(one["downtime"]?["login"]?["upperMs"]?.isNull == true)
        #expect(one["downtime"]?["login"]?["open"]?.bool == true)
        #expect(one["ledger"]?["lost"]?.isNull == true)
        #expect(MetricsReport(script.findings()).text.contains("stat=\"max\",track=\"login\",workload=\"mssql\"} +Inf"))
        #expect(!MetricsReport(script.findings()).text.contains("aftershock_rows{"))
    }

    @Test func thePageIsWellFormedAndNeedsNothingElse() throws {
        let page = String(decoding: try HTMLReport(failing).data(), as: UTF8.self)
        // Its pictures are XML of their own.
        for svg in page.matches(of: /<svg.*?<\/svg>/.dotMatchesNewlines()) {
            #expect(throws: Never.self) { try XMLDocument(xmlString: String(svg.output)) }
        }
        #expect(page.contains("<svg"))
        // Its own script is the only one, and it is inside.
        #expect(page.matches(of: /<script[^>]*>/).map { String($0.output) } == ["<script>"])
        #expect(page.firstMatch(of: /(src|href)="[a-z]+:/) == nil && !page.contains("@import") && !page.contains("url("))
        #expect(!page.contains("{{"))
        #expect(page.contains("down for at most 2.053 s"))
    }

    @Test func everyIDIsThereOnceAndEveryLinkLeadsSomewhere() throws {
        let page = String(decoding: try HTMLReport(failing).data(), as: UTF8.self)
        let ids = page.matches(of: /\sid="([^"]*)"/).map { String($0.output.1) }
        #expect(Set(ids).count == ids.count)
        let links = page.matches(of: #/href="#([^"]*)"/#).map { String($0.output.1) }
        #expect(!links.isEmpty && links.allSatisfy(ids.contains))
        #expect(page.matches(of: /<th[ >]/).count == page.matches(of: /<th scope="(col|row)"/).count)
        #expect(page.matches(of: /<table/).count == page.matches(of: /<caption>/).count)
    }

    /// A stranger reads of the worst repeat and of all rows, whichever repeat was the last.
    @Test func theHeadlineIsOfTheWorstRepeatAndOfAllRows() throws {
        var script = Script()
        script.repeats = 3
        // The second repeat begins 25 s after the first: its probes fail a second longer.
        script.change { record in
            guard case .probe(var probe) = record.event, probe.track == .login else { return }
            let second = (26_000 + 12_000)..<(26_000 + 13_000)
            if second.contains(Int(probe.started.nanoseconds / 1_000_000)) {
                probe.failure = Failure(phase: "tcp", kind: "refused")
                record.event = .probe(probe)
            }
        }
        let found = try #require(script.findings().experiments.first)
        let headline = Headline(found)
        #expect(headline.worst?.number == 2)
        #expect(headline.downtime.hasSuffix(" to 3.053 s"))
        let each = try #require(found.repeats.first?.ledger)
        #expect(headline.lost == "0 of \((3 * (each.acknowledged + each.seeded)).grouped)")
        #expect(HTMLExperiment(found, number: 1).repeats.map(\.number) == [2, 1, 3])
    }

    @Test func oneCauseIsToldOnce() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        script.expect = "downtime: {max: 1s}, node: same"
        let found = try #require(script.findings().experiments.first)
        #expect(HTMLExperiment(found, number: 1).why.map(\.link) == ["e1-recovery"])
    }

    /// Beyond fifty repeats details are made when they are opened, and are there without a script too.
    @Test func manyRepeatsAreThereWithoutBeingMade() throws {
        var script = Script()
        script.repeats = 52
        script.interval = 500
        let page = String(decoding: try HTMLReport(script.findings()).data(), as: UTF8.self)
        #expect(page.matches(of: /<details class="repeat"/).count == 52)
        #expect(page.matches(of: /<noscript>/).count == 2)
        #expect(page.matches(of: /class="chart"/).count == 52)
    }

    @Test func aLostRowIsShownWithTheTimeAtWhichItWasWritten() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.lost = 1
        ledger.lostRows = [RowIdentity(writer: 1, sequence: 41)]
        script.ledger = ledger
        let found = try #require(script.findings().experiments.first)
        // Slot 40 of writer 1, half an interval after writer 0, in a repeat that starts at 1 s with its fault at 11 s.
        #expect(
            found.repeats.first?.damagedRows == [
                DamagedRow(kind: .lost, identity: RowIdentity(writer: 1, sequence: 41), started: .ms(3025), done: .ms(3028))
            ])
        let page = String(decoding: try HTMLReport(script.findings()).data(), as: UTF8.self)
        #expect(page.contains("<th scope=\"row\">1/41</th><td>lost</td><td class=\"n\">-7.975 s</td>"))
        #expect(page.contains("<path class=\"lost\" d=\"M-7975 0v20\"/>"))
    }

    @Test func textFromOutsideIsEscaped() throws {
        var script = Script()
        script.change { record in
            if case .faultEffect = record.event {
                record.event = .faultEffect(FaultEffect(proven: true, evidence: ["<script>alert(1)</script>|x"]))
            }
            if case .faultBegun = record.event { record.event = .faultBegun(FaultBegun(fault: "podDelete", summary: "<b>\"&")) }
        }
        let page = String(decoding: try HTMLReport(script.findings()).data(), as: UTF8.self)
        #expect(!page.contains("<script>alert") && !page.contains("<b>\"&"))
        #expect(page.contains("&lt;script&gt;"))
        #expect(page.contains("&lt;b&gt;&quot;&amp;"))
    }

    @Test func aRowOfTheTableHasAColumnForEachHeading() throws {
        let text = String(decoding: RepeatsReport(failing).data(), as: UTF8.self)
        let rows = text.split(separator: "\r\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(rows.count == 3)
        #expect(Set(rows.map(\.count)).count == 1)
        #expect(rows[0][5] == "experiment")
        #expect(rows[1][5] == "pod-delete")
    }

    /// Of each metric HELP and TYPE once, before its samples, and a line break at the end.
    @Test func metricsKeepTheFormat() throws {
        let text = String(decoding: MetricsReport(failing).data(), as: UTF8.self)
        #expect(text.hasSuffix("\n"))
        var declared: Set<Substring> = []
        for line in text.split(separator: "\n") {
            if let type = line.firstMatch(of: /^# TYPE (\S+) gauge$/) {
                #expect(declared.insert(type.1).inserted)
            } else if !line.hasPrefix("#") {
                let sample = try #require(line.wholeMatch(of: /([a-z_]+)(\{[^}]*\}) (\S+)/), "\(line)")
                #expect(declared.contains(sample.1))
                #expect(Double(sample.3) != nil)
            }
        }
        #expect(
            text.contains(
                "aftershock_verdict{cluster=\"sandbox\",experiment=\"pod-delete\",namespace=\"sql\",verdict=\"fail\",workload=\"mssql\"} 1.0"
            ))
    }

    /// The files of two targets are scraped by one Prometheus: no series of one may be a series of the other.
    @Test func twoTargetsShareNoSeries() {
        var other = Script()
        other.change { record in
            guard case .runStarted(var started) = record.event else { return }
            started.sources = started.sources.map {
                .init(file: $0.file, text: $0.text.replacing("namespace: sql", with: "namespace: other"))
            }
            record.event = .runStarted(started)
        }
        func series(_ findings: Findings) -> Set<Substring> {
            Set(
                MetricsReport(findings).text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap {
                    $0.split(separator: " ").first
                })
        }
        let (one, two) = (series(failing), series(other.findings()))
        #expect(one.count > 50 && two.count > 50)
        #expect(one.isDisjoint(with: two))
    }

    /// The reference explains what is written, all of it and nothing else.
    @Test func theReferenceHasEveryMetricAndColumn() throws {
        func named(_ file: String, _ pattern: Regex<(Substring, Substring)>) throws -> Set<String> {
            let text = try String(contentsOfFile: Checkout.root.appendingPathComponent("docs/reference/\(file)").path, encoding: .utf8)
            return Set(text.matches(of: pattern).map { String($0.output.1) })
        }
        var script = Script()
        script.expect = "downtime: {max: 1s}, recoveredWithin: 20s"
        script.load = "dirty: 1MiB"
        var debt = RecoveryDebt()
        (debt.logBytes, debt.openRows) = (1 << 20, 1)
        script.viewSchedules = [
            ProbesStarted.Schedule(track: .login, interval: 500_000_000, timeout: 1_000_000_000, inFlightCap: 1, view: .pod)
        ]
        script.more = [
            script.record(10_990, .recoveryDebt(debt)),
            script.record(1000, .vantage(VantageSeen(view: .pod, address: "10.1.0.5", port: 1433, isReached: true))),
            script.record(
                1005,
                .probe(
                    ProbeResult(track: .login, view: .pod, slot: 0, intended: .ms(1000), started: .ms(1000), done: .ms(1005), phases: [:]))),
            script.record(1006, .idleStarted(IdleStarted(silentFor: 1_000_000_000, connections: 1))),
        ]
        let metrics = MetricsReport(script.findings()).text.matches(of: /# TYPE (\S+) gauge/).map { String($0.output.1) }
        #expect(try named("metrics.md", /\| `(aftershock_[a-z_]+)` \|/.asciiOnlyWordCharacters()) == Set(metrics))
        let columns = Set(
            RepeatsReport.header.map {
                let parts = $0.split(separator: ".").map(String.init)
                return parts.count == 2 && Track(rawValue: parts[0]) != nil ? "TRACK." + parts[1] : $0
            })
        #expect(try named("repeats.md", /\| `([A-Za-z.0-9]+)` \|/.asciiOnlyWordCharacters()) == columns)
    }

    @Test func theSummaryIsATable() {
        let text = String(decoding: SummaryReport(failing).data(), as: UTF8.self)
        #expect(text.hasPrefix("# FAIL: exit code 1"))
        #expect(text.contains("| pod-delete | podDelete | **fail** | 2/2 | 1.949 s to 2.053 s (connect) | 1 s | 0 of "))
        #expect(text.contains("- **downtime** (FAIL): down for at most 2.053 s"))
    }

    /// A pass names each check that was not evaluated, but not one that the fault has nothing to do with.
    @Test func theTerminalNamesTheChecksThatAPassDoesNotCover() {
        var forced = Script()
        forced.gracePeriod = 0
        #expect(!TerminalReport(forced.findings()).text.contains("shutdown"))
        var unseen = Script()
        unseen.drop { if case .observation(let seen) = $0 { seen.kind == .containerTerminated } else { false } }
        #expect(TerminalReport(unseen.findings()).text.contains("skipped shutdown: not evaluated: the server was told to stop"))
    }

    @Test func theTerminalHasNoColourUnlessTold() {
        let plain = TerminalReport(failing).text
        #expect(!plain.contains("\u{1b}"))
        #expect(plain.hasSuffix("FAIL (exit code 1: the promise was broken)\n"))
        #expect(plain.contains("1.949..2.053 s"))
        #expect(TerminalReport(failing, isColored: true).text.contains("\u{1b}[31mFAIL\u{1b}[0m"))
        #expect(TerminalReport.wantsColor(environment: ["TERM": "xterm"], isTerminal: true))
        #expect(!TerminalReport.wantsColor(environment: ["TERM": "xterm", "NO_COLOR": "1"], isTerminal: true))
        #expect(TerminalReport.wantsColor(environment: ["NO_COLOR": ""], isTerminal: true))
        #expect(!TerminalReport.wantsColor(environment: ["TERM": "dumb"], isTerminal: true))
        #expect(!TerminalReport.wantsColor(environment: [:], isTerminal: false))
    }

    /// Beside exit code 3 stands what is gone, and not a mere "lost 0".
    @Test func everyKindOfDamageHasItsColumn() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.stale = 7
        ledger.corrupt = 5
        script.ledger = ledger
        let findings = script.findings()
        #expect(findings.exitCode == .dataLost)
        let lines = TerminalReport(findings).text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        let header = try #require(lines.first { $0.first == "repeat" })
        #expect(header.contains("corrupt") && header.contains("stale") && !header.contains("duplicate"))
        #expect(String(decoding: SummaryReport(findings).data(), as: UTF8.self).contains("| 5 corrupt, 7 stale |"))
    }

    /// A downtime is not to be read without the work that the recovery had to do.
    @Test func theDebtIsInEveryReport() throws {
        var script = Script()
        script.load = "dirty: 1MiB"
        var debt = RecoveryDebt()
        (debt.logBytes, debt.openRows) = (3 << 20, 4711)
        script.more = [script.record(10_990, .recoveryDebt(debt))]
        let findings = script.findings()
        #expect(findings.experiments.first?.repeats.first?.debt?.openRows == 4711)
        #expect(MetricsReport(findings).text.contains("} 3145728.0") && MetricsReport(findings).text.contains("} 4711.0"))
        let page = String(decoding: try HTMLReport(findings).data(), as: UTF8.self)
        #expect(page.contains("with 3.0 MiB to redo and 4711 rows to undo"))
        let rows = String(decoding: RepeatsReport(findings).data(), as: UTF8.self)
        #expect(rows.contains("debt.logBytes,debt.openRows\r\n") && rows.contains(",3145728,4711\r\n"))
    }

    /// A torn transfer stands in every report, and where none was made nothing is said of them.
    @Test func tornTransfersAreInEveryReport() throws {
        var script = Script()
        let without = script.findings()
        var ledger = script.keptLedger()
        ledger.transfers = .torn(1, 17)
        script.ledger = ledger
        let findings = script.findings()
        func texts(_ findings: Findings) throws -> [String] {
            [
                TerminalReport(findings).text, String(decoding: SummaryReport(findings).data(), as: UTF8.self),
                String(decoding: RepeatsReport(findings).data(), as: UTF8.self), MetricsReport(findings).text,
                String(decoding: try JUnitReport(findings).data(), as: UTF8.self),
                String(decoding: try HTMLReport(findings).data(), as: UTF8.self),
                String(decoding: try Results(findings).data(), as: UTF8.self),
            ]
        }
        for text in try texts(findings) { #expect(text.contains("torn"), "\(text.prefix(2000))") }
        for text in try texts(without)[3...4] { #expect(!text.contains("torn")) }
        #expect(MetricsReport(findings).text.contains("state=\"torn\""))
        #expect(findings.experiments.first?.repeats.first?.damagedRows.map(\.kind) == [.torn])
    }
}

extension JSONValue {
    fileprivate var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
