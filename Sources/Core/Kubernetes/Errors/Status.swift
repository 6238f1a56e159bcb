/// The API server's answer to a request that failed (`metav1.Status`).
///
/// Decisions rest on ``reason`` and ``code``; ``message`` is for people.
public struct Status: Codable, Sendable, Hashable {
    public var status: String?
    public var message: String?
    /// For example `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Forbidden`, `TooManyRequests`.
    public var reason: String?
    public var details: Details?
    /// The HTTP status code.
    public var code: Int?

    public struct Details: Codable, Sendable, Hashable {
        public var name: String?
        public var group: String?
        public var kind: String?
        public var uid: String?
        public var causes: [Cause]?
        /// Seconds that the server asks to wait before the next attempt.
        public var retryAfterSeconds: Int?
    }

    public struct Cause: Codable, Sendable, Hashable {
        /// The cause's type, for example `DisruptionBudget`, `ExitCode`, `NamespaceTerminating`.
        public var type: String?
        public var message: String?
        public var field: String?

        private enum CodingKeys: String, CodingKey {
            case type = "reason"
            case message
            case field
        }
    }

    public func cause(_ type: String) -> Cause? {
        details?.causes?.first { $0.type == type }
    }
}
