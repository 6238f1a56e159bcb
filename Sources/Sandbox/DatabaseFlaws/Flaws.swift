/// The misbehaviour asked for with `--flaw` or SANDBOX_SQL_FLAWS. None is the default.
///
/// Every flaw is real: the bytes are wrong, gone or never sent. They are there so that a harness can show that it notices.
public struct Flaws: Sendable, Equatable {
    public enum Name: String, CaseIterable, Sendable {
        case acknowledgeBeforeCommit = "ack-before-commit"
        case loseLast = "lose-last-ms"
        case loseOneIn = "lose-one-in"
        case duplicateOneIn = "duplicate-row-one-in"
        case flipBitOneIn = "flip-bit-one-in"
        case staleRegister = "stale-register"
        case unansweredCommit = "unanswered-commit"
        case tearOneIn = "tear-one-in"
        case outsideVolume = "outside-volume"
        case hangAfter = "hang-after-ms"
        case freeze
        case neverLogin = "never-login"
        case slowerLogins = "slower-logins"
        case wrongSentinel = "wrong-sentinel"
        case tellPassword = "tell-password"
        case unlinkLock = "unlink-lock"
        case ignoreStop = "ignore-sigterm"
        case suspectAfterKill = "suspect-after-kill"
        case renameAfterKill = "rename-after-kill"
        case stopAgentAfterKill = "stop-agent-after-kill"

        public enum Value: Equatable {
            case none, required
            case optional(Int)
        }

        public var value: Value {
            switch self {
            case .acknowledgeBeforeCommit: .optional(20)
            case .unansweredCommit: .optional(50)
            case .tellPassword: .optional(5)
            case .loseLast, .loseOneIn, .duplicateOneIn, .flipBitOneIn, .tearOneIn, .hangAfter, .slowerLogins: .required
            case .staleRegister, .outsideVolume, .freeze, .neverLogin, .wrongSentinel, .unlinkLock, .ignoreStop,
                .suspectAfterKill, .renameAfterKill, .stopAgentAfterKill:
                .none
            }
        }

        var explanation: String {
            switch self {
            case .acknowledgeBeforeCommit: "answers a commit, then waits this many milliseconds (20) before it is made"
            case .loseLast: "after SIGKILL, what was committed in the last so many milliseconds is gone"
            case .loseOneIn: "of so many inserted rows one is acknowledged but not kept"
            case .duplicateOneIn: "of so many inserted rows one is stored twice; keys are not unique"
            case .flipBitOneIn: "of so many inserted rows one has a bit flipped in a column that is no key"
            case .staleRegister: "after SIGKILL, every row that was updated is back at its value before the first update"
            case .unansweredCommit: "of so many commits (50) one is made, and the connection dropped without an answer"
            case .tearOneIn: "of so many transactions of several statements one is committed without its first change"
            case .outsideVolume: "keeps the data in a temporary folder of the process instead of MSSQL_DATA_DIR"
            case .hangAfter: "so many milliseconds after the start, accepts and keeps connections but never answers again"
            case .freeze: "accepts connections and never answers"
            case .neverLogin: "refuses every login (18456)"
            case .slowerLogins: "answers every login so many milliseconds later than the one before"
            case .wrongSentinel: "answers a SELECT that reads no table with the first row ever sent for those types"
            case .tellPassword: "of so many logins (5) one is refused, with the password in the error text"
            case .unlinkLock: "removes the lock of the data folder at start, so that two servers can have the folder open"
            case .suspectAfterKill: "after SIGKILL, msdb is SUSPECT and cannot be opened (926), and error 824 is in the log"
            case .renameAfterKill: "after SIGKILL, @@SERVERNAME is another name"
            case .stopAgentAfterKill: "SQL Server Agent runs, and after SIGKILL it does not start again"
            case .ignoreStop: "does not stop when it is told to (SIGTERM), so that the end of its grace period kills it"
            }
        }
    }

    private var values: [Name: Int] = [:]

    public init() {}

    /// - Parameter texts: `name` or `name=value`.
    public init(_ texts: [String]) throws(FlawError) {
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard let name = parts.first.flatMap({ Name(rawValue: $0) }) else {
                throw FlawError(text: text, reason: "there is no such flaw")
            }
            switch (name.value, parts.count > 1 ? Int(parts[1]) : nil) {
            case (.none, nil) where parts.count == 1: values[name] = 1
            case (.optional(let value), nil) where parts.count == 1: values[name] = value
            case (.optional, let value?) where value > 0, (.required, let value?) where value > 0: values[name] = value
            case (.none, _): throw FlawError(text: text, reason: "it takes no value")
            case (.optional, _), (.required, _):
                throw FlawError(text: text, reason: "it takes a positive whole number, as in \(name.rawValue)=100")
            }
        }
    }

    public subscript(name: Name) -> Int? { values[name] }
    public func has(_ name: Name) -> Bool { values[name] != nil }

    /// Keeps the whole write-ahead log, as the flaw that cuts it needs.
    public var keepsLog: Bool { has(.loseLast) }
    /// A row can be there twice only where no key forbids it.
    public var keysAreUnique: Bool { !has(.duplicateOneIn) }

    public static let help: String = Name.allCases.map { name in
        let argument =
            switch name.value {
            case .none: ""
            case .required: "=N"
            case .optional: "[=N]"
            }
        return "  \(name.rawValue)\(argument): \(name.explanation)"
    }.joined(separator: "\n")
}

public struct FlawError: Error, CustomStringConvertible {
    public var text: String
    public var reason: String

    public var description: String {
        "'\(text)' is not a flaw: \(reason). Known: \(Flaws.Name.allCases.map(\.rawValue).joined(separator: ", "))."
    }
}
