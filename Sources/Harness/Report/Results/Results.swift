import Foundation
import JSON
import Journal

/// The model of `results.json` for writing and reading. Times and durations are milliseconds; a time counts from the run's origin.
///
/// Its names are a contract with other tools (`Schemas/results.schema.json`). A key without a known value is `null` (``OrNull``). A key
/// that some files lack, such as those of earlier versions, is a plain optional.
struct Results: Codable, Sendable, Hashable {
    static let schema = "aftershock.results/v1"

    struct Run: Codable, Sendable, Hashable {
        var id: String
        var version: String
        var startedAt: String
        var host: String
        var context: String
        var serverVersion: String
        /// A decimal text, because a JSON number would lose its last digits.
        var seed: String
    }

    struct Experiment: Codable, Sendable, Hashable {
        struct Target: Codable, Sendable, Hashable {
            var namespace: String
            var workload: String
            var service: String
        }

        struct Limits: Codable, Sendable, Hashable {
            @OrNull var downtimeMaxMs: Double?
            @OrNull var recoveredWithinMs: Double?
            var lostWrites: Int
            var node: String
            /// `nil` in files of earlier versions.
            @OrNull var shutdown: String?
            /// `nil` in files of earlier versions.
            @OrNull var instances: String?
            /// The promise about `probes.client`; `nil` if there is none, or in files of earlier versions.
            @OrNull var clientDowntimeMaxMs: Double?
        }

        /// The judged downtime of one track over the repeats.
        struct Statistics: Codable, Sendable, Hashable {
            struct Value: Codable, Sendable, Hashable {
                var ms: Double
                var atLeast: Bool
            }

            struct Interval: Codable, Sendable, Hashable {
                var low: Value
                var high: Value
            }

            var count: Int
            var values: [Value]
            var min: Value
            var median: Value
            var max: Value
            @OrNull var medianInterval: Interval?
        }

        var name: String
        var fault: String
        /// None while the run goes on.
        var verdict: String?
        var checks: [Check]
        var doubts: [Doubt]
        var repeatsAsked: Int
        var repeats: [Repeat]
        /// By track.
        var downtime: [String: Statistics]
        @OrNull var target: Target?
        /// Missing if the journal names an experiment that its files do not have.
        var limits: Limits?
    }

    struct Check: Codable, Sendable, Hashable {
        var name: String
        var outcome: String
        var type: String
        var message: String
        @OrNull var follows: String?
    }

    struct Doubt: Codable, Sendable, Hashable {
        var name: String
        var sentence: String
    }

    var schema = Results.schema
    var state: String?
    var complete: Bool
    var chained: Bool?
    @OrNull var restored: Bool?
    var durationMs: Double
    var experiments: [Experiment]
    /// None while the run goes on.
    var exitCode: Int?
    var verdict: String?
    /// Missing if the journal does not even have its first record.
    var run: Run?
    var interruption: Interrupted?
    var damage: String?
}

// MARK: Text

extension Results {
    /// - Throws: ``ReportError`` if `data` is not a `results.json` of this schema.
    init(reading data: Data, path: String) throws {
        struct Head: Decodable {
            var schema: String?
        }
        func wrong(_ reason: String) -> ReportError { ReportError(path: path, action: "read", reason: reason) }
        do {
            let schema = try JSONDecoder().decode(Head.self, from: data).schema
            guard schema == Self.schema else { throw wrong("its schema is \(schema ?? "not given"), not \(Self.schema)") }
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
            throw wrong("it is not JSON")
        } catch let error as DecodingError {
            throw wrong("\(error.place) is missing or has another form")
        }
    }

    func data() throws -> Data { try JSONEncoder.stable(pretty: true).encode(self) + [UInt8(ascii: "\n")] }
}

extension DecodingError {
    /// The path to the value that could not be decoded, such as `experiments.0.name`.
    fileprivate var place: String {
        let path: [any CodingKey] =
            switch self {
            case .keyNotFound(let key, let context): context.codingPath + [key]
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.codingPath
            @unknown default: []
            }
        return path.isEmpty ? "its top level" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}

extension Duration {
    /// Returns the duration, clamped to the clock's range: a file may have any number.
    init(milliseconds: Double) {
        let nanoseconds = (milliseconds * 1_000_000).rounded()
        self = .nanoseconds(Int64(exactly: nanoseconds) ?? (nanoseconds < 0 ? .min : .max))
    }
}
