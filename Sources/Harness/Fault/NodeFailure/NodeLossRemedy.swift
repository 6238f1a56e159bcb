import Experiment
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// The three actions that operators take for a node that is gone for good. Each releases the old pod, and in time its volume.
///
/// Source: https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
struct NodeLossRemedy: Remedy {
    enum Action: String, Sendable, CaseIterable {
        /// The out-of-service taint: the pods are deleted by force, and their volumes are detached at once.
        case outOfService
        /// `kubectl delete pod --force`: the volume stays attached until Kubernetes detaches it by force, after 6 minutes.
        case forceDeletePod
        /// `kubectl delete node`, as a cloud provider does for a removed machine.
        case deleteNode
    }

    static let fields: [Format.Field] = [
        .required("after", .positive, "The time from the fault to the remedy."),
        .required(
            "action", .choice(Action.allCases.map(\.rawValue)),
            "outOfService: the taint of that name on the node; forceDeletePod: the old pod is deleted; "
                + "deleteNode: the Node object is deleted, and made again afterwards."
        ),
    ]

    let after: Duration
    let action: Action

    init(_ fields: FormatValue) {
        after = fields.requiredDuration("after")
        action = fields.choice("action")
    }

    private static let taint = Taint(key: TaintKey.outOfService, value: "nodeshutdown", effect: "NoExecute")

    func plan(_ target: FaultTarget) -> [String] {
        let when = "if no other pod has taken over \(after.text) after the fault"
        switch action {
        case .outOfService:
            return ["\(when): taint node \(target.node) with \(Self.taint.key)=nodeshutdown:NoExecute; afterwards remove the taint"]
        case .forceDeletePod: return ["\(when): delete pod \(target.namespace)/\(target.pod) with a grace period of 0"]
        case .deleteNode: return ["\(when): delete the Node object \(target.node); afterwards make it again where its kubelet has not"]
        }
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        switch action {
        case .outOfService: []
        case .forceDeletePod: [ResourceAttributes(verb: "delete", resource: "pods", namespace: scope.namespace)]
        case .deleteNode: ["delete", "create"].map { ResourceAttributes(verb: $0, resource: "nodes") }
        }
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        guard action == .outOfService else { return [] }
        let version = try await subject.client.version()
        guard let minor = Int(version.minor.prefix { $0.isNumber }), version.major == "1", minor < 26 else { return [] }
        // Off by default before 1.26 (feature gate NodeOutOfServiceVolumeDetach).
        return [
            PreflightCheck(
                name: "remedy", status: .warning,
                message: "Kubernetes \(version.gitVersion) does nothing about the taint \(Self.taint.key) unless its feature gate is on",
                hint: "use the remedy forceDeletePod, or turn NodeOutOfServiceVolumeDetach on")
        ]
    }

    func apply(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        switch action {
        case .outOfService:
            let intent = try context.intend(RemoveOutOfService(node: target.node))
            try await context.mark(Node.self, target.node, in: nil, with: intent) { node in
                let taints = node.spec?.taints ?? []
                guard !taints.contains(where: { $0.key == Self.taint.key }) else {
                    throw FaultError(
                        .notInjected, "node \(target.node) has the taint \(Self.taint.key) already", hint: "it is not ours to remove")
                }
                return ["spec": ["taints": try JSONValue(encoding: taints + [Self.taint])]]
            }
            return "taint \(Self.taint.key)=nodeshutdown:NoExecute put on node \(target.node)"
        case .forceDeletePod:
            try await deletePod(target, context.client)
            return "pod \(target.namespace)/\(target.pod) deleted by force"
        case .deleteNode:
            let node = try await context.client.get(Node.self, target.node)
            let intent = try context.intend(RestoreNode(node, namespace: target.namespace, lease: target.lease))
            try await context.mark(Lease.self, target.lease, in: target.namespace, with: intent)
            try await context.client.delete(Node.self, target.node, options: DeleteOptions(uid: node.metadata.uid))
            return "Node object \(target.node) deleted"
        }
    }

    /// A pod that is gone needs no remedy.
    private func deletePod(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        do throws(KubernetesError) {
            try await client.delete(
                Pod.self, target.pod, in: target.namespace, options: DeleteOptions(gracePeriodSeconds: 0, uid: target.podUID))
        } catch {
            guard [.notFound, .conflict].contains(error.code) else { throw error }
        }
    }
}
