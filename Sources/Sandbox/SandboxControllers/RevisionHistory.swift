import JSON
import SandboxStore

/// The versions of a StatefulSet's or DaemonSet's template, kept as ControllerRevisions for `kubectl rollout history` and `undo`
/// (Kubernetes: pkg/controller/history).
struct RevisionHistory {
    static let label = "controller-revision-hash"

    let workload: JSONValue
    /// The value of the label that tells its pods' versions apart.
    let hash: String
    private var name: String { "\(workload.name)-\(hash)" }

    init(_ workload: JSONValue) {
        self.workload = workload
        hash = StableHash.label(workload[path: "spec", "template"] ?? [:])
    }

    /// Makes the present template the newest revision.
    func record(_ state: inout StoreState) {
        let key = ObjectKey(.controllerRevisions, namespace: workload.namespace, name: name)
        let all = revisions(state)
        let newest = all.last.map(Self.number) ?? 0
        if let present = state[key] {
            guard Self.number(present) < newest else { return }
            _ = try? state.modify(key) { $0["revision"] = .integer(newest + 1) }
            return
        }
        var template = workload[path: "spec", "template"] ?? [:]
        template["$patch"] = "replace"
        var labels = workload[path: "spec", "template"]?.labels ?? [:]
        labels[Self.label] = hash
        let revision: JSONValue = [
            "metadata": ["name": .string(name), "labels": JSONValue(strings: labels), "ownerReferences": [workload.asController]],
            "data": ["spec": ["template": template]], "revision": .integer(newest + 1),
        ]
        _ = try? state.create(.controllerRevisions, revision, namespace: workload.namespace)
    }

    /// Forgets the oldest revisions beyond `revisionHistoryLimit` that no pod has.
    func prune(inUse: Set<String>, _ state: inout StoreState) {
        let idle = revisions(state).filter { $0.name != name && !inUse.contains($0.labels[Self.label] ?? "") }
        let limit = Int(max(workload[path: "spec", "revisionHistoryLimit"]?.integer ?? 10, 0))
        for revision in idle.prefix(max(idle.count - limit, 0)) {
            _ = try? state.delete(ObjectKey(.controllerRevisions, namespace: revision.namespace, name: revision.name))
        }
    }

    /// Oldest first.
    private func revisions(_ state: StoreState) -> [JSONValue] {
        state.list(.controllerRevisions, ObjectFilter(namespace: workload.namespace)).filter { $0.isControlled(by: workload) }
            .sorted { Self.number($0) < Self.number($1) }
    }

    /// Anybody may write the number: one that is no 32-bit number counts as none.
    private static func number(_ revision: JSONValue) -> Int64 {
        revision["revision"]?.integer.flatMap(Int32.init(exactly:)).map(Int64.init) ?? 0
    }
}
