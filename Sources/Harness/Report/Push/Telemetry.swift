import Experiment
import Foundation
public import JSON
import Journal
public import Verdict

/// A run for OpenTelemetry: the requests of OTLP over HTTP in their JSON encoding.
///
/// Every ID is derived from the run's ID, so that a run that is sent twice is one trace.
/// Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
public struct Telemetry: Sendable {
    private let findings: Findings
    private let resource: JSONValue
    /// Nanoseconds since 1970 at the run's origin.
    private let origin: Int64

    private static let scope: JSONValue = ["name": "aftershock"]

    /// - Parameter attributes: the attributes of the resource, beside those of the run.
    /// - Returns: `nil` for a run that was never started.
    public init?(_ findings: Findings, attributes: [String: String] = [:]) {
        guard let run = findings.run, let started = ISO8601Text.date(run.startedAt) else { return nil }
        self.findings = findings
        origin = Int64((started.timeIntervalSince1970 * 1_000_000).rounded()) * 1000
        let own = [
            "service.name": "aftershock", "service.version": run.version, "service.instance.id": run.id, "host.name": run.host,
            "k8s.cluster.name": run.context,
        ]
        let all = own.merging(attributes) { _, given in given }
        resource = ["attributes": Self.attributes(all.mapValues { .string($0) })]
    }

    // MARK: Metrics

    /// `ExportMetricsServiceRequest`: the gauges of `metrics.prom`, under the same names.
    public var metrics: JSONValue {
        let time = nanoseconds(findings.ended)
        let metrics = MetricsReport(findings).families.map { family -> JSONValue in
            let points = family.samples.map { labels, value -> JSONValue in
                [
                    "attributes": Self.attributes(labels.mapValues { .string($0) }), "timeUnixNano": time,
                    "asDouble": value == .infinity ? "Infinity" : .double(value),
                ]
            }
            return [
                "name": .string(family.name), "description": .string(family.help),
                "unit": family.name.hasSuffix("_seconds") ? "s" : "1", "gauge": ["dataPoints": .array(points)],
            ]
        }
        return ["resourceMetrics": [["resource": resource, "scopeMetrics": [["scope": Self.scope, "metrics": .array(metrics)]]]]]
    }

    // MARK: Traces

    /// `ExportTraceServiceRequest`: a span for the run, one for each repeat below it, and below that one for each phase of its downtime.
    public var traces: JSONValue {
        var spans: [JSONValue] = []
        let run = findings.run
        let root = id("run")
        let passed = findings.exitCode == .pass && findings.state == .judged
        spans.append(
            span(
                "run", id: root, parent: nil, from: .origin, to: findings.ended,
                [
                    "aftershock.run.id": .string(run?.id ?? ""), "aftershock.run.state": .string(findings.state.rawValue),
                    "aftershock.exit_code": .integer(Int64(findings.exitCode.rawValue)), "aftershock.seed": .string("\(run?.seed ?? 0)"),
                    "aftershock.restored": findings.restored.map { .bool($0) } ?? .null,
                ], status: Self.status(passed, findings.meaning)))
        for experiment in findings.experiments {
            for one in experiment.repeats { spans += self.spans(of: one, experiment, root: root) }
        }
        return ["resourceSpans": [["resource": resource, "scopeSpans": [["scope": Self.scope, "spans": .array(spans)]]]]]
    }

    private func spans(of one: RepeatFindings, _ experiment: ExperimentFindings, root: String) -> [JSONValue] {
        let name = "\(experiment.name) \(one.number)"
        let own = id("repeat \(name)")
        let open = one.judgements.first { $0.outcome == .failed } ?? one.judgements.first { $0.outcome == .undecided }
        let downtime = one.judgedTrack.flatMap { one.track($0) }?.downtime
        let attributes: [String: JSONValue] = [
            "aftershock.experiment": .string(experiment.name), "aftershock.repeat": .integer(Int64(one.number)),
            "aftershock.fault": .string(experiment.fault), "aftershock.fault.summary": .string(one.faultSummary ?? ""),
            "aftershock.verdict": .string(one.verdict.rawValue), "aftershock.track": .string(one.judgedTrack?.rawValue ?? ""),
            "aftershock.downtime.lower_seconds": downtime.map { .double($0.lower.seconds) } ?? .null,
            "aftershock.downtime.upper_seconds": downtime?.upper.map { .double($0.seconds) } ?? .null,
            "aftershock.rows.acknowledged": one.ledger.map { .integer($0.acknowledged) } ?? .null,
            "aftershock.rows.lost": one.ledger.map { .integer($0.lost) } ?? .null,
            "k8s.namespace.name": .string(experiment.experiment?.target.namespace ?? ""),
            "aftershock.workload": .string(experiment.experiment?.target.workload ?? ""), "server.address": .string(one.address ?? ""),
        ]
        let stages = one.stages.map { (at: $0.at, name: $0.stage.rawValue) }
        let fault = one.faultBegan.map { [(at: $0, name: "fault")] } ?? []
        let events = (stages + fault).sorted { $0.at < $1.at }.map { event -> JSONValue in
            ["timeUnixNano": nanoseconds(event.at), "name": .string(event.name)]
        }
        var spans = [
            span(
                "repeat \(name)", id: own, parent: root, from: one.started, to: one.ended ?? findings.ended, attributes,
                events: events,
                status: Self.status(one.verdict == .pass, open.map { "\($0.check.rawValue): \($0.message)" } ?? one.verdict.rawValue))
        ]
        var from = one.phasesBegan ?? one.started
        for (index, phase) in one.phases.enumerated() {
            spans.append(
                span(
                    phase.name.rawValue, id: id("phase \(index) \(name)"), parent: own, from: from, to: from + phase.duration,
                    ["aftershock.experiment": .string(experiment.name), "aftershock.repeat": .integer(Int64(one.number))],
                    status: phase.name == .notRecovered ? Self.status(false, "its end was not seen") : [:]))
            from = from + phase.duration
        }
        return spans
    }

    private func span(
        _ name: String, id: String, parent: String?, from: RunTime, to: RunTime, _ attributes: [String: JSONValue],
        events: [JSONValue] = [],
        status: JSONValue
    ) -> JSONValue {
        var span: JSONValue = [
            "traceId": .string(self.id("trace") + self.id("trace, second half")), "spanId": .string(id), "name": .string(name),
            // SPAN_KIND_INTERNAL
            "kind": 1, "startTimeUnixNano": nanoseconds(from), "endTimeUnixNano": nanoseconds(max(from, to)),
            "attributes": Self.attributes(attributes), "status": status,
        ]
        if let parent { span["parentSpanId"] = .string(parent) }
        if !events.isEmpty { span["events"] = .array(events) }
        return span
    }

    /// STATUS_CODE_OK, or STATUS_CODE_ERROR with its reason.
    private static func status(_ isOK: Bool, _ message: String) -> JSONValue {
        isOK ? ["code": 1] : ["code": 2, "message": .string(message)]
    }

    // MARK: Values

    /// Returns an ID of 16 hexadecimal digits for a part of this run.
    private func id(_ part: String) -> String {
        let text = "\(findings.run?.id ?? "") \(findings.run?.startedAt ?? "") \(part)"
        let hash = text.utf8.reduce(UInt64(0)) { SplitMix64.mix($0 ^ UInt64($1)) &+ 1 }
        // OTLP forbids an ID of zeros.
        let digits = String(max(1, hash), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// 64-bit numbers are text in this encoding.
    private func nanoseconds(_ time: RunTime) -> JSONValue { .string("\(origin.clampedSum(time.nanoseconds))") }

    /// Empty texts and `null` are left out.
    private static func attributes(_ values: [String: JSONValue]) -> JSONValue {
        .array(
            values.sorted { $0.key < $1.key }.compactMap { key, value in
                let typed: JSONValue
                switch value {
                case .string(let text) where !text.isEmpty: typed = ["stringValue": .string(text)]
                case .bool: typed = ["boolValue": value]
                case .integer(let number): typed = ["intValue": .string("\(number)")]
                case .double: typed = ["doubleValue": value]
                default: return nil
                }
                return ["key": .string(key), "value": typed]
            })
    }
}
