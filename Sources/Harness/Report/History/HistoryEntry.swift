public import Foundation
import JSON
import Journal
import Verdict

/// The history's data of one run, from a line of the file of `run --history` or from a report folder's `results.json`.
public struct HistoryEntry: Codable, Sendable, Hashable {
    public static let schema = "aftershock.history/v1"

    /// The result of one experiment in the run.
    public struct Experiment: Codable, Sendable, Hashable {
        /// The bounds in milliseconds; no upper bound if the end was not seen.
        public struct Downtime: Codable, Sendable, Hashable {
            public var lowerMs: Double
            public var upperMs: Double?
        }

        public var namespace: String?
        public var workload: String?
        public var name: String
        public var fault: String
        public var verdict: String
        /// The names of the checks that failed or were inconclusive, without those that follow from another one.
        public var notPassed: [String]
        /// The downtime of each judged repeat, on its judged track.
        public var downtimes: [Downtime]
        /// The lost acknowledged rows; `nil` if not all repeats were read back.
        public var lost: Int64?
        /// The allowed downtime in milliseconds; `nil` if there is no limit.
        public var limitMs: Double?
    }

    public var schema = HistoryEntry.schema
    public var run: String
    public var startedAt: String
    public var cluster: String
    public var experiments: [Experiment]

    /// Reads a run's `results.json`.
    public init(results data: Data, path: String) throws {
        let results = try Results(reading: data, path: path)
        guard let run = results.run else {
            throw ReportError(path: path, action: "read", reason: "it is of a run that was never started")
        }
        self.run = run.id
        startedAt = run.startedAt
        cluster = run.context
        experiments = results.experiments.map(Experiment.init)
    }

    /// The entries at `path`: a report folder, its `results.json`, or a history file.
    public static func load(_ path: String) throws -> [HistoryEntry] {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let file = isFolder.boolValue ? (path as NSString).appendingPathComponent(ReportWriter.File.results.rawValue) : path
        let data = try ReportFiles.read(file)
        guard let first = data.firstIndex(of: UInt8(ascii: "\n")), (try? JSONDecoder().decode(Self.self, from: data[..<first])) != nil
        else {
            return [try HistoryEntry(results: data, path: file)]
        }
        return try data.split(separator: UInt8(ascii: "\n")).enumerated().map { line, text in
            do {
                return try JSONDecoder().decode(Self.self, from: text)
            } catch {
                throw ReportError(path: "\(file):\(line + 1)", action: "read", reason: "it is not a line of a history")
            }
        }
    }

    /// Proves that a run can be appended at `path`, before it is made. Nothing is left there.
    public static func prove(_ path: String) throws { try ReportFiles.proveAppending(to: path) }

    /// Appends the run to the history file at `path`, and creates it if there is none.
    public func append(to path: String) throws {
        try ReportFiles.append(try JSONEncoder.stable().encode(self) + [UInt8(ascii: "\n")], to: path)
    }
}

extension HistoryEntry.Experiment {
    fileprivate init(_ found: Results.Experiment) {
        namespace = found.target?.namespace
        workload = found.target?.workload
        name = found.name
        fault = found.fault
        verdict = found.verdict ?? Verdict.invalid.rawValue
        notPassed = found.checks.filter { ["failed", "undecided"].contains($0.outcome) && $0.follows == nil }.map(\.name)
        downtimes = found.repeats.filter(\.isJudged).map { one in
            let judged = one.judgedTrack.flatMap { one.downtime[$0] }
            return Downtime(lowerMs: judged?.lowerMs ?? 0, upperMs: judged == nil ? 0 : judged?.upperMs)
        }
        let losses = found.repeats.map(\.ledger.counts.lost)
        lost = losses.contains(nil) || losses.isEmpty ? nil : losses.reduce(0) { $0 + ($1 ?? 0) }
        limitMs = found.limits?.downtimeMaxMs
    }

    /// The median of the judged repeats, for the comparison with other nights; `nil` if none was judged.
    var median: Sample.Value? { Sample(downtimes.map(\.judged)).summary?.median }

    var worst: Downtime? { downtimes.max { $0.judged < $1.judged } }
}

extension HistoryEntry.Experiment.Downtime {
    /// The upper bound, or "at least" the lower one.
    var judged: Sample.Value {
        upperMs.map { Sample.Value(Duration(milliseconds: $0)) } ?? Sample.Value(Duration(milliseconds: lowerMs), isAtLeast: true)
    }
}
