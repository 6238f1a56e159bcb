import Foundation
import JSON
import SandboxStore

/// One column of a printed table. `isWide` ones show with `-o wide` only.
struct TableColumn: Sendable {
    var name: String
    var isWide = false
    var type = "string"
    let cell: @Sendable (JSONValue, Date) -> JSONValue

    init(_ name: String, wide: Bool = false, type: String = "string", _ cell: @escaping @Sendable (JSONValue, Date) -> JSONValue) {
        self.name = name
        isWide = wide
        self.type = type
        self.cell = cell
    }

    static func text(_ name: String, wide: Bool = false, _ cell: @escaping @Sendable (JSONValue) -> String) -> TableColumn {
        TableColumn(name, wide: wide) { object, _ in .string(cell(object)) }
    }

    static func number(_ name: String, _ cell: @escaping @Sendable (JSONValue) -> Int64?) -> TableColumn {
        TableColumn(name, type: "integer") { object, _ in .integer(cell(object) ?? 0) }
    }

    static let name = TableColumn.text("Name", \.name)

    static let age = TableColumn("Age") { object, now in .string(Age.text(since: object.creationTimestamp, now: now)) }
}

/// The tables that `kubectl get` prints, with the API server's own columns (Kubernetes: pkg/printers/internalversion).
struct TableForm: Sendable {
    private let columns: [TableColumn]

    init(_ type: ResourceType) { columns = Self.columns(of: type) }

    /// - Parameter includeObject: what a row holds of its object: `None`, `Metadata` (the default) or `Object`.
    func table(_ objects: [JSONValue], includeObject: String?, at now: Date) -> JSONValue {
        let definitions = columns.map { column -> JSONValue in
            [
                "name": .string(column.name), "type": .string(column.type), "format": column.name == "Name" ? "name" : "",
                "description": "", "priority": column.isWide ? 1 : 0,
            ]
        }
        let rows = objects.map { object -> JSONValue in
            var row: JSONValue = ["cells": .array(columns.map { $0.cell(object, now) })]
            switch includeObject {
            case "None": break
            case "Object": row["object"] = object
            default: row["object"] = Self.partialMetadata(object)
            }
            return row
        }
        var metadata: JSONValue = [:]
        if objects.count == 1 { metadata["resourceVersion"] = .string(objects[0].resourceVersion) }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": .array(definitions),
            "rows": .array(rows),
        ]
    }

    static func partialMetadata(_ object: JSONValue) -> JSONValue {
        ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:]]
    }

    private static func columns(of type: ResourceType) -> [TableColumn] {
        switch type {
        case .pods: PodTable.columns
        case .nodes: NodeTable.columns
        case .deployments: WorkloadTable.deployments
        case .replicaSets: WorkloadTable.replicaSets
        case .statefulSets: WorkloadTable.statefulSets
        case .daemonSets: WorkloadTable.daemonSets
        case .controllerRevisions: WorkloadTable.controllerRevisions
        case .podDisruptionBudgets: WorkloadTable.podDisruptionBudgets
        case .services: ServiceTable.services
        case .endpoints: ServiceTable.endpoints
        case .endpointSlices: ServiceTable.endpointSlices
        case .persistentVolumeClaims: StorageTable.claims
        case .persistentVolumes: StorageTable.volumes
        case .storageClasses: StorageTable.classes
        case .volumeAttachments: StorageTable.attachments
        case .secrets: ConfigurationTable.secrets
        case .configMaps: ConfigurationTable.configMaps
        case .serviceAccounts: ConfigurationTable.serviceAccounts
        case .namespaces: ConfigurationTable.namespaces
        case .leases: ConfigurationTable.leases
        case .events: EventTable.columns
        case .roles, .clusterRoles: [.name, .text("Created At", \.creationTimestamp)]
        case .roleBindings, .clusterRoleBindings:
            [
                .name,
                .text("Role") { "\($0[path: "roleRef", "kind"]?.string ?? "")/\($0[path: "roleRef", "name"]?.string ?? "")" }, .age,
            ]
        default: [.name, .age]
        }
    }
}

/// Returns the age of a moment, as kubectl words it (apimachinery util/duration `HumanDuration`).
enum Age {
    static func text(since timestamp: String?, now: Date) -> String {
        guard let timestamp, !timestamp.isEmpty, let date = StoreEnvironment.date(timestamp) else { return "<unknown>" }
        return text(seconds: Int(now.timeIntervalSince(date)))
    }

    static func text(seconds: Int) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return two(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if days < 8 { return two(days, "d", hours % 24, "h") }
        if days < 2 * 365 { return "\(days)d" }
        if days < 8 * 365 { return two(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func two(_ major: Int, _ majorUnit: String, _ minor: Int, _ minorUnit: String) -> String {
        minor == 0 ? "\(major)\(majorUnit)" : "\(major)\(majorUnit)\(minor)\(minorUnit)"
    }
}
