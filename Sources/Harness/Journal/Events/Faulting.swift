public import JSON

/// A change that must be undone, on disk before the mutation is sent.
///
/// `restore` works from this alone: `kind` names the fault's undo and `parameters` is all that it needs.
public struct UndoIntent: Codable, Sendable, Hashable {
    /// Unique in the run; `UndoResult.intent` answers it.
    public var id: Int
    /// `uncordonNode`, `removeTaint`, `deletePod`, `continueProcess`, `runCommand`...
    public var kind: String
    /// The undo in words, for people.
    public var summary: String
    public var parameters: JSONValue

    public init(id: Int, kind: String, summary: String, parameters: JSONValue) {
        self.id = id
        self.kind = kind
        self.summary = summary
        self.parameters = parameters
    }
}

extension UndoIntent {
    /// The kind of the ledger's own tables.
    public static let removeTables = "removeTables"

    /// Is `true` for a change on the server under test, which can only be undone when that server is back. The others are in the cluster.
    public var isOnServer: Bool { kind == Self.removeTables }
}

/// The answer to an ``UndoIntent``.
public struct UndoResult: Codable, Sendable, Hashable {
    public var intent: Int
    /// Proven by looking at the cluster again, not by the answer to the request.
    public var proven: Bool
    public var evidence: String

    public init(intent: Int, proven: Bool, evidence: String) {
        self.intent = intent
        self.proven = proven
        self.evidence = evidence
    }
}

/// The fault's request is about to be sent.
public struct FaultBegun: Codable, Sendable, Hashable {
    /// The kind as the experiment names it, `podDelete`...
    public var fault: String
    public var summary: String

    public init(fault: String, summary: String) {
        self.fault = fault
        self.summary = summary
    }
}

/// The fault's request was answered. ``FaultEffect`` says if it had an effect.
public struct FaultInjected: Codable, Sendable, Hashable {
    public var detail: String

    public init(detail: String) {
        self.detail = detail
    }
}

/// The evidence that the fault took effect, or that it did not.
public struct FaultEffect: Codable, Sendable, Hashable {
    public var proven: Bool
    public var evidence: [String]

    public init(proven: Bool, evidence: [String]) {
        self.proven = proven
        self.evidence = evidence
    }
}
