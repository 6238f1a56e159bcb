import TDS

/// The ledger could not be prepared or removed.
public struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was being done: `create the database`...
    public var action: String
    /// What the server or the network said.
    public var reason: String
    /// What to do about it, where that is known.
    public var hint: String?

    public init(action: String, reason: String, hint: String? = nil) {
        self.action = action
        self.reason = reason
        self.hint = hint
    }

    public var description: String {
        "the ledger could not \(action): \(reason)\(hint.map { " (\($0))" } ?? "")"
    }
}
