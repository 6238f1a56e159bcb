extension DrainPlan {
    /// Plans the drain of a node.
    ///
    /// - Parameters:
    ///   - pods: all pods on the node, of all namespaces.
    ///   - daemonSets: of all namespaces; a pod whose DaemonSet is gone is an orphan.
    ///   - budgets: of all namespaces.
    public init(pods: [Pod], daemonSets: [DaemonSet], budgets: [PodDisruptionBudget], options: Options = Options()) {
        for pod in pods {
            if let selector = options.podSelector, !selector.matches(pod.metadata.labels) { continue }
            switch Self.judge(pod, daemonSets, options) {
            case .evict(let warnings):
                evicted.append(Entry(pod: pod, reasons: warnings))
                heldByBudget += Self.budgets(holding: pod, budgets)
            case .skip(let reason): skipped.append(Entry(pod: pod, reasons: [reason]))
            case .block(let reasons): blocking.append(Entry(pod: pod, reasons: reasons))
            }
        }
    }

    private enum Judgement {
        case evict(warnings: [String])
        case skip(String)
        case block([String])
    }

    /// kubectl's filters in its order. The first that skips a pod ends it; each that objects adds a reason.
    private static func judge(_ pod: Pod, _ daemonSets: [DaemonSet], _ options: Options) -> Judgement {
        if pod.metadata.deletionTimestamp != nil { return .skip("it is being deleted already") }
        var warnings: [String] = []
        var errors: [String] = []
        if let owner = pod.metadata.controller, owner.kind == "DaemonSet" {
            let exists = daemonSets.contains { $0.metadata.name == owner.name && $0.metadata.namespace == pod.metadata.namespace }
            if pod.isFinished {
                // A finished pod of a DaemonSet can go like any other.
            } else if !exists {
                if !options.force { errors.append("its DaemonSet '\(owner.name)' is gone: nothing would replace it (force)") }
                warnings.append("its DaemonSet '\(owner.name)' is gone: nothing will replace it")
            } else if options.ignoreDaemonSets {
                return .skip("the DaemonSet '\(owner.name)' would create it again")
            } else {
                errors.append("it belongs to the DaemonSet '\(owner.name)' (ignoreDaemonSets)")
            }
        }
        if errors.isEmpty, pod.isMirror { return .skip("it is a mirror pod: only the kubelet's own files control it") }
        let scratch = (pod.spec.volumes ?? []).filter { $0.emptyDir != nil }.map(\.name)
        if !scratch.isEmpty, !pod.isFinished {
            let names = scratch.joined(separator: ", ")
            if options.deleteEmptyDirData {
                warnings.append("the data of its emptyDir volumes is lost: \(names)")
            } else {
                errors.append("it has local data in emptyDir volumes: \(names) (deleteEmptyDirData)")
            }
        }
        if pod.metadata.controller == nil, !pod.isFinished {
            if options.force {
                warnings.append("no controller will replace it")
            } else {
                errors.append("it has no controller: nothing would replace it (force)")
            }
        }
        return errors.isEmpty ? .evict(warnings: warnings) : .block(errors)
    }

    /// Budgets that do not let this pod go now. They do not count for pods that do not run or are not healthy enough to matter.
    public static func budgets(holding pod: Pod, _ budgets: [PodDisruptionBudget]) -> [Budget] {
        guard !pod.isFinished, pod.status?.phase != "Pending" else { return [] }
        let name = "\(pod.metadata.namespace ?? "")/\(pod.metadata.name)"
        let matching = budgets.filter { budget in
            budget.metadata.namespace == pod.metadata.namespace && budget.spec.selector?.matches(pod.metadata.labels) == true
        }
        if matching.count > 1 {
            let names = matching.map(\.metadata.name).sorted().joined(separator: ", ")
            return [Budget(pod: name, budget: names, problem: "more than one budget selects it: evictions are refused", isPermanent: true)]
        }
        return matching.compactMap { budget in
            guard let status = budget.status else { return nil }
            if status.disruptionsAllowed > 0 { return nil }
            let isPermanent = status.expectedPods > 0 && status.desiredHealthy >= status.expectedPods
            let problem =
                isPermanent
                ? "it wants \(status.desiredHealthy) healthy pods and there are \(status.expectedPods) in all: no eviction is ever allowed"
                : "it wants \(status.desiredHealthy) healthy pods and there are \(status.currentHealthy) now"
            return Budget(pod: name, budget: budget.metadata.name, problem: problem, isPermanent: isPermanent)
        }
    }
}

extension KubernetesClient {
    /// Reads what a drain of this node would touch and plans it.
    public func drainPlan(node: String, options: DrainPlan.Options = DrainPlan.Options()) async throws(KubernetesError) -> DrainPlan {
        let pods = try await list(Pod.self, in: .all, fields: "spec.nodeName=\(node)").items
        let daemonSets = try await list(DaemonSet.self, in: .all).items
        let budgets = try await list(PodDisruptionBudget.self, in: .all).items
        return DrainPlan(pods: pods, daemonSets: daemonSets, budgets: budgets, options: options)
    }
}
