public import JSON

/// A change that must be undone. It is on the disk before the change is sent.
///
/// `restore` needs nothing else: `kind` names the undo, and `parameters` are its input.
public struct UndoIntent: Codable, Sendable, Hashable {
    /// The ID, unique in the run, that `UndoResult.intent` refers to.
    public var id: Int
    /// `uncordonNode`, `removeTaint`, `deletePod`, `continueProcess`, `runCommand`...
    public var kind: String
    /// A sentence about the undo.
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

    /// Is `true` if the change is on the server under test, and can only be undone after its recovery. Other changes are in the cluster.
    public var isOnServer: Bool { kind == Self.removeTables }
}

/// The result of an ``UndoIntent``.
public struct UndoResult: Codable, Sendable, Hashable {
    public var intent: Int
    /// Is `true` if a new look at the cluster proved it; the answer to the request does not count.
    public var proven: Bool
    public var evidence: String

    public init(intent: Int, proven: Bool, evidence: String) {
        self.intent = intent
        self.proven = proven
        self.evidence = evidence
    }
}

/// The moment before the fault's request is sent.
public struct FaultBegun: Codable, Sendable, Hashable {
    /// The kind in the experiment file, such as `podDelete`.
    public var fault: String
    public var summary: String

    public init(fault: String, summary: String) {
        self.fault = fault
        self.summary = summary
    }
}

/// The answer to the fault's request. ``FaultEffect`` says whether it had an effect.
public struct FaultInjected: Codable, Sendable, Hashable {
    public var detail: String

    public init(detail: String) {
        self.detail = detail
    }
}

/// The evidence about the fault's effect.
public struct FaultEffect: Codable, Sendable, Hashable {
    public var proven: Bool
    public var evidence: [String]

    public init(proven: Bool, evidence: [String]) {
        self.proven = proven
        self.evidence = evidence
    }
}
