import ArgumentParser
import Files
import Foundation
import JSON
import Journal
import Kubernetes
import Report
import Secrets
import Verdict

/// The options for the receivers of an ended run.
struct PushOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Send the run's traces and metrics to this OTLP/HTTP receiver, as JSON. Default: OTEL_EXPORTER_OTLP_ENDPOINT; headers only from OTEL_EXPORTER_OTLP_HEADERS.",
            valueName: "url"))
    var otlpEndpoint: String?

    @Option(
        help: ArgumentHelp(
            "Send a JSON document to this address when a verdict is not that of the run before, in --history or --baseline. Default: AFTERSHOCK_WEBHOOK; headers only from AFTERSHOCK_WEBHOOK_HEADERS.",
            valueName: "url"))
    var webhook: String?

    /// Reads options and environment, and registers their secrets, before anything is started or recorded.
    ///
    /// - Throws: an error for a wrong option. A mistake in the environment, which may be meant for other programs, is only a warning.
    func push(isQuiet: Bool = false, environment: [String: String] = ProcessInfo.processInfo.environment) throws(CommandError) -> Push {
        for name in environment.keys where name.hasPrefix("OTEL_EXPORTER_OTLP_") && name.hasSuffix("HEADERS") {
            KnownSecrets.hide(variable: name)
        }
        for name in ["AFTERSHOCK_WEBHOOK", "AFTERSHOCK_WEBHOOK_HEADERS"] { KnownSecrets.hide(variable: name) }
        var push = Push(attributes: Self.pairs(environment["OTEL_RESOURCE_ATTRIBUTES"]), isQuiet: isQuiet)
        if let name = environment["OTEL_SERVICE_NAME"], !name.isEmpty { push.attributes["service.name"] = name }
        let settings = OTLPSettings(endpoint: otlpEndpoint, environment: environment)
        do {
            push.traces = try settings.receiver(of: "traces")
            push.metrics = try settings.receiver(of: "metrics")
            let variable = environment["AFTERSHOCK_WEBHOOK"].flatMap { $0.isEmpty ? nil : $0 }
            if let address = webhook ?? variable {
                push.webhook = try HTTPReceiver(
                    address, origin: webhook == nil ? "AFTERSHOCK_WEBHOOK" : "--webhook", isSecret: true,
                    headers: Self.pairs(environment["AFTERSHOCK_WEBHOOK_HEADERS"]), environment: environment)
            }
        } catch {
            guard otlpEndpoint == nil, webhook == nil else { throw .usage(words(for: error)) }
            standardError("warning: nothing is pushed there: \(words(for: error))")
        }
        return push
    }

    /// `name=value,other=value`, percent-encoded. Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
    static func pairs(_ text: String?) -> [String: String] {
        let pairs = (text ?? "").split(separator: ",").compactMap { pair -> (String, String)? in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
                let part = $0.trimmingCharacters(in: .whitespaces)
                return part.removingPercentEncoding ?? part
            }
            return parts.count == 2 ? (parts[0], parts[1]) : nil
        }
        return Dictionary(pairs) { _, last in last }
    }
}

/// The environment's settings for OTLP exporters.
///
/// Source: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
private struct OTLPSettings {
    let endpoint: String?
    let environment: [String: String]

    /// - Parameter signal: `traces` or `metrics`.
    func receiver(of signal: String) throws -> HTTPReceiver? {
        guard endpoint != nil || environment["OTEL_SDK_DISABLED"]?.lowercased() != "true" else { return nil }
        let (own, name) = variable("ENDPOINT", of: signal) ?? ("", "")
        guard let base = endpoint ?? (own.isEmpty ? nil : own) else { return nil }
        if endpoint == nil, variable("PROTOCOL", of: signal)?.value == "grpc" {
            standardError(
                "warning: the \(signal) are not pushed: OTEL_EXPORTER_OTLP_PROTOCOL is grpc; give the OTLP/HTTP receiver with --otlp-endpoint"
            )
            return nil
        }
        // A signal's own endpoint is used unchanged.
        let isWhole = endpoint == nil && name.contains(signal.uppercased())
        let address = isWhole ? base : Self.appending("/v1/\(signal)", to: base)
        let authority = try variable("CERTIFICATE", of: signal).map { path, _ in try InputFile.bytes(path) }
        let timeout = variable("TIMEOUT", of: signal).flatMap { Int($0.value) } ?? 10_000
        return try HTTPReceiver(
            address, origin: endpoint == nil ? name : "--otlp-endpoint",
            headers: PushOptions.pairs(variable("HEADERS", of: signal)?.value), authority: authority,
            timeout: .milliseconds(max(1, timeout)), environment: environment)
    }

    private func variable(_ setting: String, of signal: String) -> (value: String, name: String)? {
        ["OTEL_EXPORTER_OTLP_\(signal.uppercased())_\(setting)", "OTEL_EXPORTER_OTLP_\(setting)"].lazy
            .compactMap { name in environment[name].map { ($0, name) } }.first { !$0.0.isEmpty }
    }

    private static func appending(_ path: String, to base: String) -> String {
        guard var parts = URLComponents(string: base) else { return base }
        parts.percentEncodedPath =
            parts.percentEncodedPath.hasSuffix("/") ? parts.percentEncodedPath + path.dropFirst() : parts.percentEncodedPath + path
        return parts.string ?? base
    }
}

/// Sends an ended run to its receivers. A failure is a warning and changes no verdict, because the journal has everything.
struct Push: Sendable {
    var attributes: [String: String]
    var traces: HTTPReceiver?
    var metrics: HTTPReceiver?
    var webhook: HTTPReceiver?
    /// Is `true` to print only failures.
    var isQuiet: Bool

    var isEmpty: Bool { traces == nil && metrics == nil && webhook == nil }

    /// - Parameters:
    ///   - folder: the folder of the run's reports.
    ///   - earlier: the earlier runs, for the webhook.
    /// - Returns: whether every receiver accepted everything.
    func send(_ findings: Findings, folder: String, since earlier: EarlierRuns) async -> Bool {
        let entries: [HistoryEntry]
        do {
            entries = try earlier.entries()
        } catch {
            standardError("warning: nothing is pushed, as the runs before cannot be read: \(words(for: error))")
            return false
        }
        // An interrupted run is sent too: this task is not cancelled with it.
        return await Task { await sendAll(findings, folder, entries) }.value
    }

    private func sendAll(_ findings: Findings, _ folder: String, _ earlier: [HistoryEntry]) async -> Bool {
        let messages: [Message]
        do {
            messages = try self.messages(findings, folder, earlier)
        } catch {
            standardError("warning: nothing is pushed: \(words(for: error).oneLine)")
            return false
        }
        var isAllTaken = true
        for message in messages where await !send(message) { isAllTaken = false }
        if !isAllTaken { standardError("Nothing is lost; send it again with: aftershock report push \(folder)") }
        return isAllTaken
    }

    private struct Message {
        let name: String
        let receiver: HTTPReceiver
        let body: Data
    }

    /// Returns the bodies for the given receivers.
    private func messages(_ findings: Findings, _ folder: String, _ earlier: [HistoryEntry]) throws -> [Message] {
        guard let telemetry = Telemetry(findings, attributes: attributes) else { return [] }
        let changes = VerdictChanges(findings, since: earlier)
        var messages: [Message] = []
        if let traces { messages.append(Message(name: "traces", receiver: traces, body: try telemetry.traces.data())) }
        if let metrics { messages.append(Message(name: "metrics", receiver: metrics, body: try telemetry.metrics.data())) }
        if let webhook, !changes.isEmpty {
            messages.append(Message(name: "changed verdict", receiver: webhook, body: try changes.data(folder: folder)))
        }
        return messages
    }

    private func send(_ message: Message) async -> Bool {
        let answer: Data
        do throws(HTTPReceiverError) {
            answer = try await message.receiver.post(message.body, type: "application/json")
        } catch {
            standardError("warning: the \(message.name) could not be pushed: \(words(for: error).oneLine)")
            return false
        }
        if let refused = Self.refusal(in: answer) {
            standardError("warning: \(message.receiver) did not take all of the \(message.name): \(refused)")
            return false
        }
        if !isQuiet { standardError("pushed: \(message.name) to \(message.receiver)") }
        return true
    }

    /// Returns the reason of an OTLP receiver for the parts that it rejected.
    private static func refusal(in answer: Data) -> String? {
        struct Answer: Decodable {
            struct Partial: Decodable { var errorMessage: String? }
            var partialSuccess: Partial?
        }
        let partial = try? JSONDecoder().decode(Answer.self, from: answer).partialSuccess
        return partial?.errorMessage.flatMap { $0.isEmpty ? nil : $0.oneLine }
    }
}
