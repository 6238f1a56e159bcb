import Foundation
@testable import Experiment
@testable import Journal
@testable import Report
@testable import Verdict

func fuzzExperiment(_ bytes: [UInt8]) {
    _ = try? ExperimentFile.parse(String(decoding: bytes, as: UTF8.self), file: "fuzz.yaml")
}

/// The fast reader must say the same as the general one, or nothing.
func fuzzJournalLine(_ bytes: [UInt8]) {
    let line = Data(bytes)
    guard let fast = PlainLineReader.record(of: line) else { return }
    guard let general = try? JournalRecord(line: line, JSONDecoder()) else { fatalError("only the fast reader takes \(line)") }
    precondition((try? fast.line()) == (try? general.line()), "the two readers disagree")
}

/// A whole journal: read, judged, and reported in every format.
func fuzzJournal(_ bytes: [UInt8]) {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(getpid()).ndjson").path
    FileManager.default.createFile(atPath: path, contents: Data(bytes))
    guard let findings = try? JournalJudge(path: path).findings() else { return }
    for file in ReportWriter.File.allCases { _ = try? ReportWriter(directory: "").render(file, findings) }
}

func fuzzResults(_ bytes: [UInt8]) {
    guard let results = try? StoredResults(Data(bytes), path: "fuzz.json") else { return }
    _ = StoredResults.pairs(baseline: results, current: results)
}
