public import Foundation

/// The output of a command in a container, and how it ended.
public struct ExecResult: Sendable {
    public var standardOutput: Data
    public var standardError: Data
    public var outcome: Outcome
    /// The output was longer than the limit; what is kept is its begin.
    public var isTruncated: Bool

    public enum Outcome: Sendable, Hashable {
        case exited(Int)
        /// The command was not started, or its end could not be told by the container runtime.
        case failed(String)
        /// The connection ended without a status. The command may have run, or may still run: never a success.
        case unknown(String)
    }

    public var isSuccess: Bool { outcome == .exited(0) }
    public var text: String { String(decoding: standardOutput, as: UTF8.self) }
    public var errorText: String { String(decoding: standardError, as: UTF8.self) }
}
