public import Experiment
public import Journal
public import Kubernetes

/// A kind of fault: its format in an experiment file, its plan, its injection, and the proof of its effect.
///
/// Each change that must be undone is an ``UndoAction``, which ``FaultContext`` records before the change is sent.
public protocol FaultInjection: Sendable {
    /// The kind's name in an experiment file.
    static var kind: String { get }
    /// A sentence about the kind's effect, for editors and the reference page of the format.
    static var summary: String { get }
    /// The kind's keys in an experiment file, with their defaults. Validation and the JSON Schema are derived from them.
    static var fields: [Format.Field] { get }
    /// The kind's rows in the table of docs/faults.md.
    static var manual: [FaultManual] { get }
    /// The kinds of change that the fault may have to undo.
    static var undoActions: [any UndoAction.Type] { get }

    /// Creates the fault that validated fields describe.
    init(_ fields: FormatValue, options: FaultOptions)

    /// Is `true` if the fault takes the pod's whole node away.
    var takesNode: Bool { get }

    /// Is `true` if the workload gets a new pod, which may go to another node.
    var replacesPod: Bool { get }

    /// Is `true` if the instance that was hit may itself recover.
    var sparesInstance: Bool { get }

    /// Returns sentences about the changes that the fault will make.
    func plan(_ target: FaultTarget) -> [String]

    /// Sends the fault's changes as dry runs, which the API server does not keep. Quotas, pod security and admission policies that refuse a
    /// change do so now.
    ///
    /// - Throws: ``FaultError`` or the API server's refusal.
    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws

    /// The permissions for checking, injecting, proving and undoing.
    func permissions(_ target: FaultScope) -> [ResourceAttributes]

    /// Checks, without changing anything, whether the fault's objects exist and whether something prevents it.
    ///
    /// - Throws: ``FaultError`` if the fault cannot be injected now.
    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck]

    /// Injects the fault. Returns a sentence for the journal.
    ///
    /// - Throws: an error if the injection failed. The journal has an ``UndoIntent`` for each change that was begun.
    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String

    /// Looks for evidence that the fault took effect on `target`, until `timeout`.
    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect

    /// The time from the injection to the undo, while the probes go on; `nil` if the undo comes after the recovery.
    var undoAfter: Duration? { get }

    /// The remedy for a service that does not recover by itself; `nil` if it must.
    var remedy: (any Remedy)? { get }

    /// Is `true` if the undo interrupts the service as well: its outage counts, and the service must be stable again.
    var undoInterrupts: Bool { get }
}

extension FaultInjection {
    public static var undoActions: [any UndoAction.Type] { [] }
    public var takesNode: Bool { false }
    public var replacesPod: Bool { true }
    public var sparesInstance: Bool { false }
    public var undoAfter: Duration? { nil }
    public var remedy: (any Remedy)? { nil }
    public var undoInterrupts: Bool { false }
    public func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {}
    public func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] { [] }
}

/// An action that operators take against a fault. The run takes it after a time, so that a report can compare the times with and without.
public protocol Remedy: Sendable {
    /// From the fault.
    var after: Duration { get }

    /// Gives the help and returns what was done, for people.
    ///
    /// - Throws: when it could not be given. Everything begun stands in the journal as an ``UndoIntent``.
    func apply(_ target: FaultTarget, _ context: FaultContext) async throws -> String
}

/// The options of the command line that are about faults.
public struct FaultOptions: Sendable {
    /// `--helper-image`, which overrides the experiments'.
    public var helperImage: String?

    public init(helperImage: String? = nil) {
        self.helperImage = helperImage
    }
}

/// Where a fault may act, known before any pod is looked at.
public struct FaultScope: Sendable, Hashable {
    public var namespace: String
    /// `deployment/NAME`, or of another kind.
    public var workload: String

    public init(namespace: String, workload: String) {
        self.namespace = namespace
        self.workload = workload
    }
}

/// The pod that a fault would hit, before anything is touched.
public struct FaultSubject: Sendable {
    public let client: KubernetesClient
    public let pod: Pod
    public let instance: FaultTarget

    public init(client: KubernetesClient, pod: Pod, instance: FaultTarget) {
        self.client = client
        self.pod = pod
        self.instance = instance
    }

    public var namespace: String { pod.metadata.namespace ?? "default" }
}

/// One row of the faults' table in the manual.
public struct FaultManual: Sendable {
    /// The kind, with a variant of it where it has several rows.
    public var name: String
    public var happens: String
    public var proof: String
    public var restored: String
    /// The proof that it is restored; empty where nothing has to be.
    public var restoredProof: String

    public init(_ name: String, happens: String, proof: String, restored: String = "nothing", restoredProof: String = "") {
        self.name = name
        self.happens = happens
        self.proof = proof
        self.restored = restored
        self.restoredProof = restoredProof
    }
}
