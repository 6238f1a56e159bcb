import Foundation
import JSON
import SandboxStore

enum ConfigurationTable {
    static let secrets: [TableColumn] = [
        .name, .text("Type") { $0["type"]?.string ?? "" }, .number("Data") { Int64($0["data"]?.object?.count ?? 0) }, .age,
    ]

    static let configMaps: [TableColumn] = [
        .name, .number("Data") { Int64(($0["data"]?.object?.count ?? 0) + ($0["binaryData"]?.object?.count ?? 0)) }, .age,
    ]

    static let serviceAccounts: [TableColumn] = [.name, .number("Secrets") { Int64($0["secrets"]?.array?.count ?? 0) }, .age]

    static let namespaces: [TableColumn] = [.name, .text("Status") { $0[path: "status", "phase"]?.string ?? "" }, .age]

    static let leases: [TableColumn] = [.name, .text("Holder") { $0[path: "spec", "holderIdentity"]?.string ?? "" }, .age]
}

/// How `kubectl get events` shows an event (Kubernetes: printersinternal.printEvent).
enum EventTable {
    static let columns: [TableColumn] = [
        TableColumn("Last Seen") { event, now in .string(lastSeen(event, now)) }, .text("Type") { $0["type"]?.string ?? "" },
        .text("Reason") { $0["reason"]?.string ?? "" },
        .text("Object") { event in
            let kind = event[path: "involvedObject", "kind"]?.string?.lowercased() ?? ""
            let name = event[path: "involvedObject", "name"]?.string ?? ""
            return name.isEmpty ? kind : "\(kind)/\(name)"
        },
        .text("Subobject", wide: true) { $0[path: "involvedObject", "fieldPath"]?.string ?? "" }, .text("Source", wide: true, source),
        .text("Message") { ($0["message"]?.string ?? "").trimmingCharacters(in: .whitespacesAndNewlines) },
        TableColumn("First Seen", wide: true) { event, now in .string(firstSeen(event, now)) },
        TableColumn("Count", wide: true) { event, _ in .integer(event[path: "series", "count"]?.integer ?? event["count"]?.integer ?? 1) },
        .text("Name", wide: true, \.name),
    ]

    private static func lastSeen(_ event: JSONValue, _ now: Date) -> String {
        let last = event[path: "series", "lastObservedTime"]?.string ?? event["lastTimestamp"]?.string
        return last.map { Age.text(since: $0, now: now) } ?? firstSeen(event, now)
    }

    private static func firstSeen(_ event: JSONValue, _ now: Date) -> String {
        Age.text(since: event["firstTimestamp"]?.string ?? event["eventTime"]?.string, now: now)
    }

    private static func source(_ event: JSONValue) -> String {
        let component = event[path: "source", "component"]?.string ?? event["reportingComponent"]?.string ?? ""
        let host = event[path: "source", "host"]?.string
        return host.map { "\(component), \($0)" } ?? component
    }
}
