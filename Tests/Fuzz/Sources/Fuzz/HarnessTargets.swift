import Fault
import Foundation
import FoundationXML
import Verdict

@testable import Experiment
@testable import Journal
@testable import Report

/// An experiment is taken, or every reason is told with a place in the file.
func fuzzExperiment(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
        for experiment in try ExperimentFile.parse(text, file: "fuzz.yaml", faults: FaultCatalog.standard.formats) {
            _ = FaultCatalog.standard.injection(experiment.fault, options: FaultOptions())
        }
    } catch {
        expect(!error.diagnostics.isEmpty, "a file is refused without a reason")
        expect(error.diagnostics.allSatisfy { $0.position.line > 0 && $0.position.column > 0 }, "a problem has no place: \(error)")
    }
}

/// The fast reader says the same as the general one, or nothing.
func fuzzJournalLine(_ bytes: [UInt8]) {
    guard let fast = bytes.withUnsafeBytes({ PlainLineReader.record(of: $0) }) else { return }
    guard let general = try? JSONDecoder().decode(JournalRecord.self, from: Data(bytes)) else {
        fatalError("only the fast reader takes it")
    }
    expect(fast == general, "the two readers disagree: \(fast) and \(general)")
}

/// A whole journal: read, judged, and reported in every form. A damaged one does not pass, and no form contradicts another.
func fuzzJournal(_ bytes: [UInt8]) {
    let path = "/dev/shm/fuzz-\(getpid()).ndjson"
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    expect(file >= 0 && write(file, bytes, bytes.count) == bytes.count && close(file) == 0, "no room in /dev/shm")
    guard let judge = try? JournalJudge(path: path) else { fatalError("the journal cannot be opened") }
    let findings = judge.findings()
    let passes = findings.exitCode == .pass
    expect(!passes || findings.damage == nil, "a damaged journal passes")
    let writer = ReportWriter(directory: "/nowhere")
    for form in ReportWriter.File.allCases {
        guard let data = try? writer.render(form, findings) else { fatalError("\(form.rawValue) cannot be made") }
        expect(String(validating: data, as: UTF8.self) != nil, "\(form.rawValue) is no UTF-8")
        switch form {
        case .results:
            guard (try? StoredResults(data, path: "")) != nil else { fatalError("results.json is not read back") }
            if findings.run != nil { expect((try? HistoryEntry(results: data, path: "")) != nil, "results.json is no history") }
        case .junit:
            let cases = TestCases(data)
            expect(cases.isValid, "junit.xml is no XML")
            expect(passes || !cases.pass, "junit.xml passes a run of \(findings.exitCode)")
            expect(!passes || cases.failures == 0, "junit.xml fails a run that passes")
        case .html, .summary, .metrics, .repeats: break
        }
    }
    _ = TerminalReport(findings).text
}

/// A junit.xml as a CI system counts it.
private final class TestCases: NSObject, XMLParserDelegate {
    private(set) var isValid = false
    private(set) var failures = 0
    private var cases = 0
    private var skipped = 0

    var pass: Bool { failures == 0 && cases > skipped }

    init(_ data: Data) {
        super.init()
        let parser = XMLParser(data: data)
        parser.delegate = self
        isValid = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]
    ) {
        switch name {
        case "testcase": cases += 1
        case "failure", "error": failures += 1
        case "skipped": skipped += 1
        default: break
        }
    }
}

/// Results of another run: compared, and entered into a history.
func fuzzResults(_ bytes: [UInt8]) {
    let data = Data(bytes)
    if let results = try? StoredResults(data, path: "fuzz.json") {
        let (pairs, mismatches) = StoredResults.pairs(baseline: results, current: results)
        let comparisons = Comparison.compare(pairs, maxRegression: 0.2, alpha: 0.05)
        expect(!comparisons.contains(where: \.isRegression), "a run is slower than itself")
        let report = ComparisonReport(comparisons, mismatches: mismatches, maxRegression: 0.2)
        _ = report.text
        expect((try? report.json) != nil, "the comparison is no JSON")
    }
    if let entry = try? HistoryEntry(results: data, path: "fuzz.json") {
        _ = HistoryReport(History([entry, entry], today: "2026-01-01")).text
    }
}
