import Experiment
import Fault
import Foundation
import Journal
import Run
import Yams

/// The experiments of the reference table. They are derived from one experiment with the target, the commands for a node's power, and the
/// debt.
struct ReferenceArms {
    /// One way to lose the instance, with one debt.
    struct Arm {
        /// The name of the experiment, and of the folder of its runs.
        var name: String
        var kind: Kind
        /// `nil` for an idle database.
        var debt: String?
        /// The experiment file; `nil` if ``leftOut`` has the reason why there is none.
        var text: String?
        var leftOut: String?
    }

    enum Kind: String, CaseIterable {
        case processKill = "process-kill"
        case podDelete = "pod-delete"
        case podDeleteKilled = "pod-delete-killed"
        case drain = "node-drain"
        case rollout
        case nodeOff = "node-off"
        case nodeOffOutOfService = "node-off-out-of-service"
        case nodeOffForceDeletePod = "node-off-force-delete-pod"
        case nodeOffDeleteNode = "node-off-delete-node"

        /// The title for readers.
        var title: String {
            switch self {
            case .processKill: "the server's process is killed"
            case .podDelete: "the pod is deleted, the server stops by itself"
            case .podDeleteKilled: "the pod is deleted, the server is killed at the end of its grace period"
            case .drain: "the node is drained"
            case .rollout: "the workload is restarted"
            case .nodeOff: "the node is off, nobody helps"
            case .nodeOffOutOfService: "the node is off, then gets the out-of-service taint"
            case .nodeOffForceDeletePod: "the node is off, then the old pod is deleted by force"
            case .nodeOffDeleteNode: "the node is off, then its Node object is deleted"
            }
        }

        /// The action of the fault's remedy.
        fileprivate var remedy: String? {
            switch self {
            case .nodeOffOutOfService: "outOfService"
            case .nodeOffForceDeletePod: "forceDeletePod"
            case .nodeOffDeleteNode: "deleteNode"
            default: nil
            }
        }

        fileprivate var isOfNodePower: Bool { self == .nodeOff || remedy != nil }

        /// Keys of `expect` in addition to the file's, as YAML.
        fileprivate var expectations: KeyValuePairs<String, String> {
            switch self {
            case .processKill: ["node": "same"]
            case .podDelete: ["node": "any", "shutdown": "clean"]
            case .podDeleteKilled, .rollout: ["node": "any"]
            case .drain, .nodeOff, .nodeOffOutOfService, .nodeOffForceDeletePod, .nodeOffDeleteNode: ["node": "different"]
            }
        }
    }

    /// A workload like the target whose server does not stop on SIGTERM.
    struct Killed {
        var workload: String
        var service: String
    }

    /// The file's number of repeats of each experiment.
    let repeats: Int
    let arms: [Arm]

    /// - Parameters:
    ///   - version: the version of Kubernetes, such as `v1.33.0`; `nil` if not known.
    ///   - debts: sizes such as `1GiB`; empty for the file's own.
    ///   - selected: the names of kinds; empty for all.
    init(_ path: String, namespace: String, version: String?, debts: [String], killed: Killed?, selected: [Kind]) throws(CommandError) {
        let (loaded, problems) = ExperimentPaths.read([path], namespace: namespace)
        guard problems.isEmpty, let file = loaded.first, file.experiments.count == 1, let experiment = file.experiments.first else {
            ExperimentPaths.report(problems)
            throw .usage("\(path) is not one valid experiment")
        }
        repeats = experiment.repeats
        let own = experiment.load?.dirty.map { [$0.sizeArgument] } ?? ["1GiB"]
        do {
            guard let base = try compose(yaml: file.text) else { throw CommandError.usage("\(path) is empty") }
            var arms: [Arm] = []
            // All kinds without a debt come first, so that a kind is repeated only after all others. Every kind but the kill of the process
            // creates a new pod, without the kubelet's back-off.
            for debt in [nil] + (debts.isEmpty ? own : debts).map(Optional.some) {
                for kind in Kind.allCases {
                    // A user who selects it by name may have turned the feature gate on.
                    guard kind != .nodeOffOutOfService || selected.contains(kind) || Self.knowsOutOfService(version) else {
                        arms.append(Arm(name: Self.name(kind, debt), kind: kind, debt: debt, leftOut: Self.notKnown(version)))
                        continue
                    }
                    arms.append(
                        try Self.arm(
                            kind, debt: debt, base: base, isNodeFailure: experiment.fault.kind == "nodeFailure", killed: killed,
                            isSelected: selected.isEmpty || selected.contains(kind)))
                }
            }
            self.arms = arms
        } catch {
            throw .usage("\(path): \(error)")
        }
        for arm in arms {
            guard let text = arm.text else { continue }
            do {
                _ = try ExperimentFile.parse(text, file: arm.name, namespace: namespace, faults: FaultCatalog.standard.formats)
            } catch {
                throw .usage("\(path) does not make the experiment \(arm.name):\n\(words(for: error))")
            }
        }
    }

    private static func name(_ kind: Kind, _ debt: String?) -> String { kind.rawValue + (debt.map { "-\($0.lowercased())" } ?? "") }

    private static func knowsOutOfService(_ version: String?) -> Bool {
        guard let numbers = version?.drop(while: { !$0.isNumber }).split(separator: "."), numbers.count >= 2, numbers[0] == "1",
            let minor = Int(numbers[1].prefix { $0.isNumber })
        else { return true }
        return minor >= 26
    }

    private static func notKnown(_ version: String?) -> String {
        "Kubernetes \(version ?? "") does nothing about the taint out-of-service, unless its feature gate is on"
    }

    private static func arm(
        _ kind: Kind, debt: String?, base: Node, isNodeFailure: Bool, killed: Killed?, isSelected: Bool
    ) throws -> Arm {
        var arm = Arm(name: name(kind, debt), kind: kind, debt: debt)
        if !isSelected {
            arm.leftOut = "not asked for"
        } else if kind.isOfNodePower, !isNodeFailure {
            arm.leftOut = "no command that takes a node's power away: spec.fault of the file is not nodeFailure"
        } else if kind == .podDeleteKilled, killed == nil {
            arm.leftOut = "no workload whose server is not told to stop: --killed-workload"
        } else {
            arm.text = try text(of: kind, named: arm.name, debt: debt, base: base, killed: killed)
        }
        return arm
    }

    private static func text(of kind: Kind, named name: String, debt: String?, base: Node, killed: Killed?) throws -> String {
        var document = base
        document["metadata"]?["name"] = Node(name)
        document["metadata"]?["description"] = Node("Reference table: \(kind.title).")
        guard var spec = document["spec"], let fault = spec["fault"] else { throw CommandError.usage("no spec.fault") }
        spec.remove("repeat")
        spec["fault"] = try kindOfFault(kind, fault)
        var expect = spec["expect"] ?? [:]
        for (key, value) in kind.expectations { expect[key] = Node(value) }
        spec["expect"] = expect
        if let debt {
            var load = spec["load"] ?? [:]
            load["dirty"] = Node(debt)
            spec["load"] = load
        } else {
            spec.remove("load")
        }
        if kind == .podDeleteKilled, let killed {
            spec["target"]?["workload"] = Node(killed.workload)
            spec["target"]?["service"] = Node(killed.service)
        }
        document["spec"] = spec
        return try serialize(node: document, width: -1, sortKeys: false)
    }

    private static func kindOfFault(_ kind: Kind, _ own: Node) throws -> Node {
        func fault(_ yaml: String) throws -> Node { try compose(yaml: yaml) ?? own }
        switch kind {
        case .processKill: return try fault("{processKill: {}}")
        case .podDelete, .podDeleteKilled: return try fault("{podDelete: {}}")
        case .drain: return try fault("{nodeDrain: {timeout: 5m, ignoreDaemonSets: true}}")
        case .rollout: return try fault("{rollout: {}}")
        case .nodeOff, .nodeOffOutOfService, .nodeOffForceDeletePod, .nodeOffDeleteNode:
            var lost = own
            let remedy = lost["nodeFailure"]?["remedy"]
            lost["nodeFailure"]?.remove("remedy")
            guard let action = kind.remedy else { return lost }
            var own = try remedy ?? fault("{after: 2m}")
            own["action"] = Node(action)
            lost["nodeFailure"]?["remedy"] = own
            return lost
        }
    }
}

extension Int64 {
    /// The size in an experiment file's form, in the largest unit that divides it.
    fileprivate var sizeArgument: String {
        for (power, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] where self % (1 << power) == 0 { return "\(self >> power)\(unit)" }
        return "\(self)B"
    }
}

extension Node {
    /// Removes a key of a mapping, which the subscript cannot.
    fileprivate mutating func remove(_ key: String) {
        guard case .mapping(var mapping) = self else { return }
        mapping[key] = nil
        self = .mapping(mapping)
    }
}
