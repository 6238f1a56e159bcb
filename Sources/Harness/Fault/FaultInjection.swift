public import Experiment
public import Journal
public import Kubernetes

/// One way to lose an instance: what it will do, doing it, and the proof that it took effect.
///
/// ``FaultContext`` writes down each change that must be undone while it is injected; ``Undo`` restores it.
public protocol FaultInjection: Sendable {
    /// For people: what exactly will be touched.
    func plan(_ target: FaultTarget) -> [String]

    /// Looks, without changing anything, whether the fault will find what it acts on.
    ///
    /// - Returns: what it found, for people.
    /// - Throws: ``FaultError`` when the fault cannot be injected as things are.
    func examine(_ target: FaultTarget, _ client: KubernetesClient) async throws -> [String]

    /// The permissions for injecting, proving and undoing.
    func permissions(_ target: FaultScope) -> [ResourceAttributes]

    /// Sends the fault. Returns what was done, for the journal.
    ///
    /// - Throws: when the fault did not come through. Everything begun stands in the journal as an ``UndoIntent``.
    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String

    /// Looks for the evidence that the fault took effect on `target`, until `timeout`.
    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect

    /// The time from the injection to the undo, while the probes go on; `nil`: after the recovery.
    var undoAfter: Duration? { get }
}

extension FaultInjection {
    public var undoAfter: Duration? { nil }

    public func examine(_ target: FaultTarget, _ client: KubernetesClient) async throws -> [String] { [] }
}

/// Where a fault may act, known before any pod is looked at.
public struct FaultScope: Sendable, Hashable {
    public var namespace: String

    public init(namespace: String) {
        self.namespace = namespace
    }
}

extension FaultSpec {
    /// The fault that the experiment describes; `nil` for the control experiment.
    ///
    /// - Parameter helperImage: `--helper-image`, which overrides the experiment's.
    public func injection(helperImage: String?) -> (any FaultInjection)? {
        switch self {
        case .none: return nil
        case .processKill(let spec): return ProcessKillFault(spec: spec)
        case .containerKill(let spec): return ContainerKillFault(spec: spec, image: helperImage ?? spec.helperImage)
        case .podDelete(let spec): return PodDeleteFault(spec: spec)
        case .podEvict(let spec): return PodEvictFault(spec: spec)
        case .nodeDrain(let spec): return NodeDrainFault(spec: spec)
        case .nodeTaint(let spec): return NodeTaintFault(spec: spec)
        case .nodeFailure(let spec): return NodeFailureFault(spec: spec)
        case .command(let spec): return CommandFault(spec: spec)
        }
    }

    /// Is `true` when the pod's whole node is taken away.
    public var isNodeFault: Bool {
        switch self {
        case .nodeDrain, .nodeTaint, .nodeFailure: true
        case .none, .processKill, .containerKill, .podDelete, .podEvict, .command: false
        }
    }
}
