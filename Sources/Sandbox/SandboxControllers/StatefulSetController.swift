import JSON
package import SandboxStore

/// Keeps the numbered pods of StatefulSets, each with its own claims (Kubernetes: pkg/controller/statefulset).
///
/// There is at most one pod of a name: a replacement waits until the old pod's object is gone, however long its node does not answer.
package struct StatefulSetController: Reconciler {
    package static let watched: [ResourceType] = [.statefulSets, .pods, .persistentVolumeClaims]

    private enum Settlement {
        case ready
        /// The next one has to wait for this one, unless all are made at once.
        case waiting
        /// It could not be made, and neither could the next.
        case refused
    }

    private static let revisionLabel = RevisionHistory.label
    package var flaws: Set<SandboxFlaw> = []
    private var created: [String: Int64] = [:]

    package init(flaws: Set<SandboxFlaw> = []) { self.flaws = flaws }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for set in state.list(.statefulSets) where !set.isBeingDeleted { reconcile(set, &state) }
        return nil
    }

    private mutating func reconcile(_ set: JSONValue, _ state: inout StoreState) {
        let history = RevisionHistory(set)
        history.record(&state)
        let revision = "\(set.name)-\(history.hash)"
        let start = set[path: "spec", "ordinals", "start"]?.integer ?? 0
        let wanted = start..<(start + set.replicas)
        let isParallel = set[path: "spec", "podManagementPolicy"]?.string == "Parallel"

        var isBlocked = false
        for ordinal in wanted {
            let settlement = settle(set, ordinal, revision, &state)
            if settlement == .ready { continue }
            isBlocked = true
            if settlement == .refused || !isParallel { break }
        }
        let surplus = pods(of: set, state).filter { !wanted.contains($0.ordinal) }.sorted { $0.ordinal > $1.ordinal }
        if !isBlocked || isParallel {
            for (pod, _) in isParallel ? surplus[...] : surplus.prefix(1) where !pod.isBeingDeleted { delete(pod, set, &state) }
        }
        if !isBlocked, surplus.isEmpty { update(set, revision, wanted, &state) }
        report(set, revision, &state)
        history.prune(inUse: Set(pods(of: set, state).compactMap { $0.pod.labels[Self.revisionLabel] }), &state)
    }

    private func pods(of set: JSONValue, _ state: StoreState) -> [(pod: JSONValue, ordinal: Int64)] {
        state.list(.pods, ObjectFilter(namespace: set.namespace)).filter { $0.isControlled(by: set) }.compactMap { pod in
            Int64(pod.name.dropFirst(set.name.count + 1)).map { (pod, $0) }
        }
    }

    private mutating func settle(_ set: JSONValue, _ ordinal: Int64, _ revision: String, _ state: inout StoreState) -> Settlement {
        let name = "\(set.name)-\(ordinal)"
        let key = ObjectKey(.pods, namespace: set.namespace, name: name)
        if let pod = state[key] {
            if pod.isBeingDeleted { return .waiting }
            if pod.isFinished {
                delete(pod, set, &state)
                return .waiting
            }
            return pod.isReady ? .ready : .waiting
        }
        let isReplacement = created[set.uid, default: 0] >= set.replicas
        if isReplacement, flaws.contains(.neverRescheduled) { return .waiting }
        var pod = set.podFromTemplate(
            named: name,
            labels: [
                "apps.kubernetes.io/pod-index": String(ordinal), "statefulset.kubernetes.io/pod-name": name, Self.revisionLabel: revision,
            ])
        pod[path: "spec", "hostname"] = .string(name)
        pod[path: "spec", "subdomain"] = set[path: "spec", "serviceName"]
        var volumes = pod[path: "spec", "volumes"]?.array ?? []
        for template in set[path: "spec", "volumeClaimTemplates"]?.array ?? [] {
            let claim = claim(template, named: "\(template.name)-\(name)", for: set, &state, swapping: isReplacement)
            volumes.removeAll { $0["name"]?.string == template.name }
            volumes.append(["name": .string(template.name), "persistentVolumeClaim": ["claimName": .string(claim)]])
        }
        if !volumes.isEmpty { pod[path: "spec", "volumes"] = .array(volumes) }
        do {
            try _ = state.create(.pods, pod, namespace: set.namespace)
            created[set.uid, default: 0] += 1
            state.recordEvent(
                set, .normal, "SuccessfulCreate", "create Pod \(name) in StatefulSet \(set.name) successful", from: "statefulset-controller"
            )
            return .waiting
        } catch {
            state.recordEvent(
                set, .warning, "FailedCreate", "create Pod \(name) in StatefulSet \(set.name) failed error: \(error.message)",
                from: "statefulset-controller")
            return .refused
        }
    }

    /// The claim of one pod: made once, kept when the pod goes.
    private func claim(
        _ template: JSONValue, named name: String, for set: JSONValue, _ state: inout StoreState, swapping: Bool
    ) -> String {
        let key = ObjectKey(.persistentVolumeClaims, namespace: set.namespace, name: name)
        if swapping, flaws.contains(.claimSwapped) { state.swapClaim(key) }
        guard state[key] == nil else { return name }
        var claim = template
        claim["status"] = nil
        claim["metadata"] = [
            "name": .string(name), "labels": JSONValue(strings: set[path: "spec", "selector", "matchLabels"]?.strings ?? [:]),
        ]
        _ = try? state.create(.persistentVolumeClaims, claim, namespace: set.namespace)
        return name
    }

    private mutating func delete(_ pod: JSONValue, _ set: JSONValue, _ state: inout StoreState) {
        _ = try? state.delete(ObjectKey(.pods, namespace: pod.namespace, name: pod.name))
        created[set.uid, default: 0] -= 1
        state.recordEvent(
            set, .normal, "SuccessfulDelete", "delete Pod \(pod.name) in StatefulSet \(set.name) successful", from: "statefulset-controller"
        )
    }

    /// Replaces pods of an earlier version from the highest number down, one at a time.
    private mutating func update(_ set: JSONValue, _ revision: String, _ wanted: Range<Int64>, _ state: inout StoreState) {
        guard set[path: "spec", "updateStrategy", "type"]?.string != "OnDelete" else { return }
        let partition = set[path: "spec", "updateStrategy", "rollingUpdate", "partition"]?.integer ?? 0
        for (pod, ordinal) in pods(of: set, state).sorted(by: { $0.ordinal > $1.ordinal }) where ordinal >= partition {
            if pod.labels[Self.revisionLabel] != revision, !pod.isBeingDeleted { return delete(pod, set, &state) }
            if !pod.isReady { return }
        }
    }

    private func report(_ set: JSONValue, _ revision: String, _ state: inout StoreState) {
        let all = pods(of: set, state).map(\.pod)
        var ready = Int64(all.filter { $0.isReady && !$0.isBeingDeleted }.count)
        if flaws.contains(.replicaShort), created[set.uid, default: 0] > set.replicas { ready = max(ready - 1, 0) }
        let updated = Int64(all.filter { $0.labels[Self.revisionLabel] == revision && !$0.isBeingDeleted }.count)
        _ = try? state.modify(ObjectKey(.statefulSets, namespace: set.namespace, name: set.name), part: .status) { set in
            let known = set[path: "status", "currentRevision"]?.string
            // The rollout is over when every pod is of the new version.
            let isDone = updated == set.replicas && ready == set.replicas
            let current = isDone ? revision : known ?? revision
            set["status"] = [
                "observedGeneration": .integer(set.generation), "replicas": .integer(Int64(all.count)), "readyReplicas": .integer(ready),
                "availableReplicas": .integer(ready), "updatedReplicas": .integer(updated),
                "currentReplicas": .integer(current == revision ? updated : Int64(all.count) - updated),
                "currentRevision": .string(current),
                "updateRevision": .string(revision), "collisionCount": 0,
            ]
        }
    }
}
