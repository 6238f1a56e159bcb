import JSON
import SandboxStore

enum WorkloadTable {
    static let deployments: [TableColumn] =
        [
            .name, .text("Ready") { "\(count($0, "readyReplicas"))/\(desired($0))" },
            .number("Up-to-date") { count($0, "updatedReplicas") }, .number("Available") { count($0, "availableReplicas") }, .age,
        ] + template + [selector]

    static let replicaSets: [TableColumn] =
        [
            .name, .number("Desired", desired), .number("Current") { count($0, "replicas") },
            .number("Ready") { count($0, "readyReplicas") }, .age,
        ] + template + [selector]

    static let statefulSets: [TableColumn] =
        [.name, .text("Ready") { "\(count($0, "readyReplicas"))/\(desired($0))" }, .age] + template

    static let daemonSets: [TableColumn] =
        [
            .name, .number("Desired") { count($0, "desiredNumberScheduled") }, .number("Current") { count($0, "currentNumberScheduled") },
            .number("Ready") { count($0, "numberReady") }, .number("Up-to-date") { count($0, "updatedNumberScheduled") },
            .number("Available") { count($0, "numberAvailable") },
            .text("Node Selector") { labels($0[path: "spec", "template", "spec", "nodeSelector"]) }, .age,
        ] + template + [selector]

    static let controllerRevisions: [TableColumn] = [
        .name,
        .text("Controller") { revision in
            guard let owner = revision.controllerReference else { return "<none>" }
            let group = owner.apiVersion.split(separator: "/").first.map(String.init) ?? ""
            return "\(owner.kind.lowercased()).\(group)/\(owner["name"]?.string ?? "")"
        },
        .number("Revision") { $0["revision"]?.integer }, .age,
    ]

    static let podDisruptionBudgets: [TableColumn] = [
        .name, .text("Min Available") { amount($0[path: "spec", "minAvailable"]) },
        .text("Max Unavailable") { amount($0[path: "spec", "maxUnavailable"]) },
        .number("Allowed Disruptions") { count($0, "disruptionsAllowed") }, .age,
    ]

    private static let template: [TableColumn] = [
        .text("Containers", wide: true) { containers($0, "name") }, .text("Images", wide: true) { containers($0, "image") },
    ]

    private static let selector = TableColumn.text("Selector", wide: true) { object in
        let selector = object[path: "spec", "selector"].flatMap { try? LabelSelector(object: $0) }
        return selector?.description ?? "<none>"
    }

    private static func count(_ object: JSONValue, _ member: String) -> Int64 { object[path: "status", member]?.integer ?? 0 }

    private static func desired(_ object: JSONValue) -> Int64 { object[path: "spec", "replicas"]?.integer ?? 0 }

    private static func containers(_ object: JSONValue, _ member: String) -> String {
        (object[path: "spec", "template", "spec", "containers"]?.array ?? []).compactMap { $0[member]?.string }.joined(separator: ",")
    }

    static func labels(_ labels: JSONValue?) -> String {
        let pairs = (labels?.strings ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return pairs.isEmpty ? "<none>" : pairs.joined(separator: ",")
    }

    private static func amount(_ value: JSONValue?) -> String { value?.string ?? value?.integer.map(String.init) ?? "N/A" }
}
