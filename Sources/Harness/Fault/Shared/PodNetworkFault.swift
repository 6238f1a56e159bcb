import Experiment
import Journal
import Kubernetes

/// A fault that changes the pod's network for a while by a helper pod: the part that does not depend on the kind of change.
protocol PodNetworkFault: FaultInjection {
    /// The time after which the change is reverted.
    var duration: Duration { get }
    var image: String { get }
    var helperNamespace: String? { get }

    /// The sentences of the plan about the change and its revert.
    func steps(_ target: FaultTarget) -> (change: String, revert: String)

    /// The verb of the change, and the programs and kernel modules that it needs.
    static var words: (verb: String, needs: String) { get }

    /// Returns the change of a pod that answers at `address`.
    func network(of target: FaultTarget, at address: String, by helper: HelperPod) -> PodNetwork
}

extension PodNetworkFault {
    public static var undoActions: [any UndoAction.Type] { [HealNetwork.self] }

    /// The server is the same one afterwards: it was only unreachable.
    public var replacesPod: Bool { false }
    public var sparesInstance: Bool { true }

    public var undoAfter: Duration? { duration }

    public func plan(_ target: FaultTarget) -> [String] {
        let (change, revert) = steps(target)
        let namespace = helperNamespace ?? target.namespace
        return [
            "create a privileged helper pod (image \(image)) with hostPID on node \(target.node) in namespace \(namespace)",
            change,
            "\(revert) after \(duration.text), and delete the helper pod, which otherwise does it by itself \(PodNetwork.margin.text) later",
        ]
    }

    public func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        let namespace = helperNamespace ?? scope.namespace
        return HelperPod.permissions(in: namespace) + ContainerShell.permissions(in: namespace)
    }

    public func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await HelperPod.rehearse(target, in: helperNamespace, image: image, fault: Self.kind, client)
    }

    public func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        try PodNetwork.checkOwnNetwork(subject)
        let (verb, needs) = Self.words
        return [
            PreflightCheck(
                name: "fault", status: .passed,
                message: "it would \(verb) pod \(subject.pod.metadata.name); the helper image \(image) needs \(needs)")
        ]
    }

    public func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let network = try await network(of: target, context)
        return try await network.apply(try context.intend(HealNetwork(network: network)), context)
    }

    public func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await network(of: target, context).observe(context.client)
    }

    private func network(of target: FaultTarget, _ context: FaultContext) async throws -> PodNetwork {
        let helper = HelperPod(Self.words.verb, for: target, in: helperNamespace, image: image, runID: context.runID)
        return network(of: target, at: try await PodNetwork.address(of: target, context.client), by: helper)
    }
}
