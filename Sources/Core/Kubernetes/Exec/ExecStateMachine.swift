import Foundation
import KubernetesAPI

/// The client's half of Kubernetes' remote command protocol over WebSocket, versions 4 and 5 (`apimachinery/pkg/util/remotecommand`):
/// what arrives, and what it means for the command's end. It does no I/O.
struct ExecStateMachine: Sendable {
    enum Action: Equatable {
        case none
        /// The command's end is known.
        case finish
    }

    /// Of the Status, which has some hundred bytes.
    private static let statusLimit = 1 << 16
    private let limit: Int
    private var standardOutput = Data()
    private var standardError = Data()
    private var isTruncated = false
    private var statusText = Data()
    private var outcome: ExecResult.Outcome?

    init(limit: Int) { self.limit = limit }

    mutating func received(_ message: some Collection<UInt8>) -> Action {
        guard let first = message.first, let channel = ExecChannel(rawValue: first) else { return .none }
        let payload = message.dropFirst()
        switch channel {
        case .standardOutput: Self.append(payload, to: &standardOutput, limit, &isTruncated)
        case .standardError: Self.append(payload, to: &standardError, limit, &isTruncated)
        case .error:
            guard statusText.count + payload.count <= Self.statusLimit else {
                outcome = .unknown("the server's word of how the command ended is longer than 64 KiB")
                return .finish
            }
            statusText.append(contentsOf: payload)
            // The Status can come in pieces: what does not decode yet is not complete yet.
            guard let status = try? JSONDecoder().decode(Status.self, from: statusText) else { return .none }
            outcome = Self.outcome(status)
            return .finish
        case .standardInput, .resize, .close: break
        }
        return .none
    }

    /// The connection is over, for this reason.
    func result(endedBy reason: String) -> ExecResult {
        ExecResult(
            standardOutput: standardOutput, standardError: standardError, outcome: outcome ?? .unknown(reason), isTruncated: isTruncated)
    }

    /// The messages that carry standard input and, where the version can tell it, its end.
    static func input(_ data: Data, version: String) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var rest = data[...]
        while !rest.isEmpty {
            messages.append([ExecChannel.standardInput.rawValue] + rest.prefix(16 << 10))
            rest = rest.dropFirst(16 << 10)
        }
        if version == ExecProtocol.v5.rawValue { messages.append([ExecChannel.close.rawValue, ExecChannel.standardInput.rawValue]) }
        return messages
    }

    private static func append(_ bytes: some Collection<UInt8>, to data: inout Data, _ limit: Int, _ isTruncated: inout Bool) {
        let room = limit - data.count
        if bytes.count > room { isTruncated = true }
        data.append(contentsOf: bytes.prefix(max(0, room)))
    }

    private static func outcome(_ status: Status) -> ExecResult.Outcome {
        if status.status == "Success" { return .exited(0) }
        if status.reason == "NonZeroExitCode", let text = status.cause("ExitCode")?.message, let code = Int(text) { return .exited(code) }
        return .failed(status.message ?? status.reason ?? "no reason given")
    }
}
