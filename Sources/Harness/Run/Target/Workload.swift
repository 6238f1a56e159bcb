import Experiment
import Kubernetes

/// The object that maintains the target's pod.
struct Workload: Sendable {
    /// A filter for the workload's pods among those of the namespace.
    struct Pods: Sendable, Hashable {
        /// A label selector in the API's form; `nil` selects every pod of the namespace.
        var labels: String?
        /// The kind (in lower case) and name of the owner that they must have as well.
        var owner: Owner?

        func contains(_ pod: Pod) -> Bool { owner.map { $0.owns(pod.metadata) } ?? true }
    }

    struct Owner: Sendable, Hashable {
        var kind: String
        var name: String

        func owns(_ object: ObjectMeta) -> Bool {
            object.ownerReferences.contains { $0.kind.lowercased() == kind && $0.name == name }
        }
    }

    /// The name for messages, such as `deployment/sql`.
    var name: String
    /// The object's own name, under which the target is locked.
    var lockName: String
    var pods: Pods
    var desiredReplicas: Int
    /// The count in the workload's status, which its controller may update late; `nil` for an unknown kind.
    var readyReplicas: Int?
    /// The strategy of a Deployment.
    var strategy: String?
    /// Is `true` if a pod is replaced under its own name, and only after the old one is known to be gone, as by a StatefulSet.
    var isStatefulSet = false
}

extension TargetResolver {
    /// - Throws: ``TargetError`` if there is no such Deployment or StatefulSet.
    func workload() async throws -> Workload {
        let name = "\(target.workloadKind)/\(target.workload)"
        switch target.workloadKind {
        case .deployment:
            if let found = try await client.find(Deployment.self, target.workload, in: target.namespace) {
                return Workload(found, name: name, lockName: target.workload)
            }
        case .statefulset:
            if let found = try await client.find(StatefulSet.self, target.workload, in: target.namespace) {
                return Workload(found, name: name, lockName: target.workload)
            }
        case .other(let kind):
            return try await ownedWorkload(Workload.Owner(kind: kind, name: target.workload), name: name)
        }
        throw TargetError(
            check: "workload", message: "the \(target.workloadKind) \(target.namespace)/\(target.workload) does not exist",
            hint: "apply its manifest first, or set spec.target.workload; experiments/targets has examples")
    }

    /// The workload of another controller, found by what it owns: a StatefulSet or Deployment, or the pods themselves.
    private func ownedWorkload(_ owner: Workload.Owner, name: String) async throws -> Workload {
        let scope = NamespaceScope.namespace(target.namespace)
        if let found = try await client.list(StatefulSet.self, in: scope).items.first(where: { owner.owns($0.metadata) }) {
            return Workload(found, name: name, lockName: target.workload)
        }
        if let found = try await client.list(Deployment.self, in: scope).items.first(where: { owner.owns($0.metadata) }) {
            return Workload(found, name: name, lockName: target.workload)
        }
        return Workload(name: name, lockName: target.workload, pods: Workload.Pods(owner: owner), desiredReplicas: 1)
    }
}

extension Workload {
    fileprivate init(_ deployment: Deployment, name: String, lockName: String) {
        self.init(
            name: name, lockName: lockName, pods: Pods(labels: deployment.spec.selector.query),
            desiredReplicas: deployment.spec.replicas ?? 1, readyReplicas: deployment.status?.readyReplicas ?? 0,
            strategy: deployment.spec.strategy?.type ?? "RollingUpdate")
    }

    fileprivate init(_ set: StatefulSet, name: String, lockName: String) {
        self.init(
            name: name, lockName: lockName, pods: Pods(labels: set.spec.selector.query), desiredReplicas: set.spec.replicas ?? 1,
            readyReplicas: set.status?.readyReplicas ?? 0, isStatefulSet: true)
    }
}
