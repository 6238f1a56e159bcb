import TDS

/// A failure to prepare, read or remove the ledger.
public struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The step that failed: `create the database`...
    public var action: String
    /// The reason, from the server or the network.
    public var reason: String
    /// The next step for the user, if one is known.
    public var hint: String?
    /// The numbers of the server's error messages, if the server refused.
    var numbers: [Int32] = []

    init(action: String, _ error: TDSError, hint: String? = nil) {
        self.init(action: action, reason: error.description, hint: hint)
        numbers = error.serverMessages.map(\.number)
    }

    public init(action: String, reason: String, hint: String? = nil) {
        self.action = action
        self.reason = reason
        self.hint = hint
    }

    /// Is `true` if the server said that the database does not exist, or is not open.
    var meansNoDatabase: Bool {
        numbers.contains(ServerErrorNumber.cannotOpenDatabase) || numbers.contains(ServerErrorNumber.noSuchDatabase)
    }

    /// Is `true` if the server may have said that an object does not exist: the error is the server's own, and no denied permission.
    var mayMeanGone: Bool { !numbers.isEmpty && ServerErrorNumber.denied.isDisjoint(with: numbers) }

    public var description: String {
        "the ledger could not \(action): \(reason)\(hint.map { " (\($0))" } ?? "")"
    }
}
