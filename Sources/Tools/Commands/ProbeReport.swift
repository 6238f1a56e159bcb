import Foundation
import JSON
import NIOPosix
import Probe
import Secrets
import TDS

/// The result of one probe.
struct ProbeReport {
    struct Failure {
        var phase: String
        /// The kind of the failure.
        var kind: String
        var after: Duration
        var messages: [TDSServerMessage]
        var detail: String?
    }

    var number: Int
    var started: Date
    var phases: TDSPhaseDurations
    var query: Duration?
    var server: TDSServerVersion?
    var failure: Failure?

    private var durations: [(name: String, duration: Duration)] {
        [("tcp", phases.tcp), ("prelogin", phases.prelogin), ("tls", phases.tls), ("login", phases.login), ("query", query)]
            .compactMap { name, duration in duration.map { (name, $0) } }
    }

    private var total: Duration { durations.reduce(.zero) { $0 + $1.duration } }

    static func make(_ number: Int, _ configuration: TDSConfiguration, queryTimeout: Duration) async -> ProbeReport {
        var report = ProbeReport(number: number, started: Date(), phases: TDSPhaseDurations())
        do throws(TDSError) {
            let connection = try await TDSConnection.connect(configuration, on: MultiThreadedEventLoopGroup.singleton.any())
            report.phases = connection.phases
            report.server = connection.serverVersion
            await report.ask(connection, timeout: queryTimeout)
            await connection.close()
        } catch {
            report.phases = error.phases
            report.failure = Failure(error)
        }
        return report
    }

    /// Queries a value that only this probe sends, so that no other answer can match.
    private mutating func ask(_ connection: TDSConnection, timeout: Duration) async {
        let sentinel = Sentinel(owner: UUID().uuidString, slot: number)
        let clock = ContinuousClock()
        let start = clock.now
        do throws(TDSError) {
            let result = try await connection.query(Sentinel.statement, sentinel.values, timeout: timeout)
            let duration = clock.now - start
            query = duration
            if let mismatch = sentinel.mismatch(in: result) {
                failure = Failure(phase: "query", kind: "wrongAnswer", after: duration, messages: [], detail: mismatch)
            }
        } catch {
            query = clock.now - start
            failure = Failure(error)
        }
    }
}

extension ProbeReport.Failure {
    init(_ error: TDSError) {
        self.init(
            phase: error.phase.rawValue, kind: error.code.description, after: error.after, messages: error.serverMessages,
            detail: error.detail)
    }
}

extension ProbeReport {
    var text: String {
        let steps = durations.map { "\($0.name) \(Self.milliseconds($0.duration))" }.joined(separator: ", ")
        guard let failure else {
            let product = server.map { "  \($0)" } ?? ""
            return "\(number)  ok  \(Self.milliseconds(total)) ms  (\(steps))\(product)"
        }
        var line = "\(number)  FAILED  \(failure.kind) in \(failure.phase) after \(Self.milliseconds(failure.after)) ms"
        for message in failure.messages { line += "; error \(message)" }
        if let detail = failure.detail { line += "; \(detail)" }
        return steps.isEmpty ? line : "\(line)  (\(steps))"
    }

    var json: JSONValue {
        var object: [String: JSONValue] = [
            "probe": .integer(Int64(number)),
            "at": .string(started.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))),
            "outcome": .string(failure == nil ? "ok" : "failed"),
            "totalMs": Self.number(total),
            "phasesMs": .object(Dictionary(uniqueKeysWithValues: durations.map { ($0.name, Self.number($0.duration)) })),
        ]
        if let server { object["server"] = .string(server.description) }
        if let failure { object["failure"] = failure.json }
        return .object(object)
    }

    /// Returns milliseconds with three decimals.
    fileprivate static func number(_ duration: Duration) -> JSONValue {
        .double((duration / .microseconds(1)).rounded() / 1000)
    }

    private static func milliseconds(_ duration: Duration) -> String {
        String(format: "%.1f", duration / .milliseconds(1))
    }
}

extension ProbeReport.Failure {
    fileprivate var json: JSONValue {
        var object: [String: JSONValue] = [
            "phase": .string(phase), "class": .string(kind), "afterMs": ProbeReport.number(after),
        ]
        if !messages.isEmpty {
            object["errors"] = .array(
                messages.map { message in
                    .object([
                        "number": .integer(Int64(message.number)), "state": .integer(Int64(message.state)),
                        "class": .integer(Int64(message.class)), "text": .string(message.text.withoutSecrets),
                    ])
                })
        }
        if let detail { object["detail"] = .string(detail.withoutSecrets) }
        return .object(object)
    }
}
