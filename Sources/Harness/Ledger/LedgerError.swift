import TDS

/// The ledger could not be prepared or removed.
public struct LedgerError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The step that failed: `create the database`...
    public var action: String
    /// The words of the server or the network.
    public var reason: String
    /// The next step for the user, where one is known.
    public var hint: String?
    /// The numbers of the server's error messages, where it was the server that refused.
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

    /// Is `true` where the server says that the database asked for is not there, or not open.
    var meansNoDatabase: Bool {
        numbers.contains(ServerErrorNumber.cannotOpenDatabase) || numbers.contains(ServerErrorNumber.noSuchDatabase)
    }

    /// Is `true` where the server gave the error itself, and did not deny what is there.
    var mayMeanGone: Bool { !numbers.isEmpty && ServerErrorNumber.denied.isDisjoint(with: numbers) }

    public var description: String {
        "the ledger could not \(action): \(reason)\(hint.map { " (\($0))" } ?? "")"
    }
}
