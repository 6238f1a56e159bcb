public import Experiment
public import Journal
public import Kubernetes

/// One way to lose an instance, with all that belongs to it: how a file describes it, what it will do, doing it, and the proof that it took
/// effect.
///
/// Each change that must be undone is an ``UndoAction``, which ``FaultContext`` writes down before the change is sent.
public protocol FaultInjection: Sendable {
    /// The kind, as an experiment file names it.
    static var kind: String { get }
    /// The sentence that tells editors and readers of the format what the kind does.
    static var summary: String { get }
    /// The keys of the kind in an experiment file, with their defaults. Validation and JSON Schema are made from them.
    static var fields: [Format.Field] { get }
    /// The rows of the kind in the table of docs/faults.md.
    static var manual: [FaultManual] { get }
    /// Every kind of change that the fault may have to undo.
    static var undoActions: [any UndoAction.Type] { get }

    /// The fault that validated fields describe.
    init(_ fields: FormatValue, options: FaultOptions)

    /// Is `true` when the pod's whole node is taken away.
    var takesNode: Bool { get }

    /// Is `true` when the workload gets a new pod, which may come to another node.
    var replacesPod: Bool { get }

    /// Is `true` when the very instance that was hit may be the one that recovers.
    var sparesInstance: Bool { get }

    /// For people: what exactly will be touched.
    func plan(_ target: FaultTarget) -> [String]

    /// Sends what the fault will create and change as dry runs, of which the API server keeps nothing: quotas, pod security and admission
    /// policies refuse it now or not at all.
    ///
    /// - Throws: ``FaultError`` or the API server's refusal.
    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws

    /// The permissions for checking, injecting, proving and undoing.
    func permissions(_ target: FaultScope) -> [ResourceAttributes]

    /// Looks, without changing anything, whether the fault will find what it acts on, and for obstacles.
    ///
    /// - Throws: ``FaultError`` when the fault cannot be injected as things are.
    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck]

    /// Sends the fault. Returns what was done, for the journal.
    ///
    /// - Throws: when the fault did not come through. Everything begun stands in the journal as an ``UndoIntent``.
    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String

    /// Looks for the evidence that the fault took effect on `target`, until `timeout`.
    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect

    /// The time from the injection to the undo, while the probes go on; `nil`: after the recovery.
    var undoAfter: Duration? { get }

    /// The help that is given when the service has not come back by itself; `nil`: it has to.
    var remedy: (any Remedy)? { get }

    /// Is `true` when the undo is an interruption as well: its outage counts, and the service has to be stable once more.
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

/// An operator's help with a fault, given by the run after a time, so that a report can say how long it takes with and without.
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
