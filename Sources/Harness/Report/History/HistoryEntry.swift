public import Foundation
import JSON
import Verdict

/// One run as history keeps it: a line of the file that `run --history` appends to, or a report folder's `results.json`.
public struct HistoryEntry: Codable, Sendable, Hashable {
    public static let schema = "aftershock.history/v1"

    public struct Experiment: Codable, Sendable, Hashable {
        /// Milliseconds; no upper bound where the end was not seen.
        public struct Downtime: Codable, Sendable, Hashable {
            public var lowerMs: Double
            public var upperMs: Double?
        }

        public var namespace: String?
        public var workload: String?
        public var name: String
        public var fault: String
        public var verdict: String
        /// The names of the checks that failed or could not be told, but for those that follow from another one.
        public var notPassed: [String]
        /// Of each judged repeat, on the track that was out the longest in it.
        public var downtimes: [Downtime]
        /// Acknowledged rows that were gone; `nil`: not all repeats were read back.
        public var lost: Int64?
        /// Milliseconds; `nil`: no limit.
        public var limitMs: Double?
    }

    public var schema = HistoryEntry.schema
    public var run: String
    public var startedAt: String
    public var cluster: String
    public var experiments: [Experiment]

    /// Reads a run's `results.json`.
    public init(results data: Data, path: String) throws {
        let json = try JSONValue(results: data, path: path)
        guard let run = json["run"], let id = run["id"]?.string, let started = run["startedAt"]?.string else {
            throw ReportError(path: path, action: "read", reason: "it is of a run that was never started")
        }
        self.run = id
        startedAt = started
        cluster = run["context"]?.string ?? ""
        experiments = (json["experiments"]?.array ?? []).map(Experiment.init)
    }

    /// The entries at `path`: a report folder, its `results.json`, or a history file.
    public static func load(_ path: String) throws -> [HistoryEntry] {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        let file = isFolder.boolValue ? (path as NSString).appendingPathComponent(ReportWriter.File.results.rawValue) : path
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw ReportError(path: file, action: "read", reason: error.localizedDescription)
        }
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

    /// Appends the run to the history file at `path`, which is made where there is none.
    public func append(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let line = try encoder.encode(self) + [UInt8(ascii: "\n")]
        do {
            if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: line)
        } catch {
            throw ReportError(path: path, reason: error.localizedDescription)
        }
    }
}

extension HistoryEntry.Experiment {
    fileprivate init(_ json: JSONValue) {
        let repeats = json["repeats"]?.array ?? []
        namespace = json["target"]?["namespace"]?.string
        workload = json["target"]?["workload"]?.string
        name = json["name"]?.string ?? ""
        fault = json["fault"]?.string ?? ""
        verdict = json["verdict"]?.string ?? "invalid"
        notPassed = (json["checks"]?.array ?? []).filter {
            ["failed", "undecided"].contains($0["outcome"]?.string ?? "") && $0["follows"]?.string == nil
        }.compactMap { $0["name"]?.string }
        downtimes = repeats.filter { ["pass", "fail"].contains($0["verdict"]?.string ?? "") }.map { one in
            let judged = one["judgedTrack"]?.string.flatMap { one["downtime"]?[$0] }
            return Downtime(lowerMs: judged?["lowerMs"]?.number ?? 0, upperMs: judged == nil ? 0 : judged?["upperMs"]?.number)
        }
        let losses = repeats.map { $0["ledger"]?["lost"]?.integer }
        lost = losses.contains(nil) || losses.isEmpty ? nil : losses.reduce(0) { $0 + ($1 ?? 0) }
        limitMs = json["limits"]?["downtimeMaxMs"]?.number
    }

    /// The median of the judged repeats, as it is compared with other nights'; `nil`: none was judged.
    var median: Sample.Value? { Sample(downtimes.map(\.judged)).summary?.median }

    var worst: Downtime? { downtimes.max { $0.judged < $1.judged } }
}

extension HistoryEntry.Experiment.Downtime {
    /// The upper bound, or that it is at least the lower one.
    var judged: Sample.Value {
        func duration(_ milliseconds: Double) -> Duration { .nanoseconds(Int64((milliseconds * 1_000_000).rounded())) }
        return upperMs.map { Sample.Value(duration($0)) } ?? Sample.Value(duration(lowerMs), isAtLeast: true)
    }
}

extension JSONValue {
    /// Parses a `results.json` of this version's schema.
    init(results data: Data, path: String) throws {
        do {
            self = try JSONValue(parsing: data)
        } catch {
            throw ReportError(path: path, action: "read", reason: "it is not JSON")
        }
        guard self["schema"]?.string == ResultsReport.schema else {
            throw ReportError(
                path: path, action: "read", reason: "its schema is \(self["schema"]?.string ?? "not given"), not \(ResultsReport.schema)")
        }
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
