import Experiment
import Fault
import Kubernetes

/// The part of the cluster that an experiment needs for itself while it runs.
struct Claim: Sendable {
    /// Some of the cluster's nodes.
    enum Nodes: Sendable, Hashable {
        case only(Set<String>)
        /// Any of them: which ones is not known.
        case any

        func meets(_ other: Nodes) -> Bool {
            switch (self, other) {
            case (.only(let own), .only(let others)): !own.isDisjoint(with: others)
            case (.any, .only(let nodes)), (.only(let nodes), .any): !nodes.isEmpty
            case (.any, .any): true
            }
        }
    }

    var target: Experiment.Target
    /// The nodes that its fault may take away.
    var takes: Nodes
    /// The nodes that the target's pod is on, or may move to.
    var reaches: Nodes

    /// Returns whether one of the two could be hit by the fault of the other.
    func excludes(_ other: Claim) -> Bool {
        target.isShared(with: other.target) || takes.meets(other.reaches) || other.takes.meets(reaches)
    }
}

extension Claim {
    /// The claim of an experiment in a run without node faults: the pods' nodes do not matter.
    init(withoutNodes experiment: Experiment) {
        self.init(target: experiment.target, takes: .only([]), reaches: .only([]))
    }

    /// Asks the cluster which node the pod is on, and which ones a new pod may go to.
    init(_ experiment: Experiment, _ options: RunOptions, _ client: KubernetesClient) async {
        let fault = options.injection(experiment.fault)
        target = experiment.target
        (takes, reaches) = (fault.takesNode ? .any : .only([]), .any)
        guard let pods = try? await TargetResolver(client: client, target: target).resolve().pods,
            !pods.isEmpty, let nodes = try? await client.list(Node.self, in: .all).items
        else { return }
        let present = pods.compactMap(\.spec.nodeName)
        let possible = nodes.filter { node in
            pods.contains { ($0.spec.nodeSelector ?? [:]).allSatisfy { node.metadata.labels[$0.key] == $0.value } }
        }.map(\.metadata.name)
        guard present.count == pods.count else { return }
        reaches = .only(Set(fault.replacesPod ? present + possible : present))
        // A later repeat hits the node to which an earlier one has moved the pod.
        let isOnce = (options.repeatOverride ?? experiment.repeats) == 1
        if fault.takesNode { takes = .only(Set(isOnce ? present : present + possible)) }
    }
}

extension Experiment.Target {
    /// Returns whether both are the same server, by its workload or its address.
    func isShared(with other: Experiment.Target) -> Bool {
        guard namespace == other.namespace else { return false }
        return service == other.service || workload == other.workload
    }
}
