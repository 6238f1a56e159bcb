import JSON
import Network
import SandboxStore

enum ServiceTable {
    static let services: [TableColumn] = [
        .name, .text("Type") { $0[path: "spec", "type"]?.string ?? "" },
        .text("Cluster-IP") { $0[path: "spec", "clusterIP"]?.string ?? "<none>" }, .text("External-IP", externalAddresses),
        .text("Port(s)", ports), .age, .text("Selector", wide: true) { WorkloadTable.labels($0[path: "spec", "selector"]) },
    ]

    static let endpoints: [TableColumn] = [.name, .text("Endpoints", endpointAddresses), .age]

    static let endpointSlices: [TableColumn] = [
        .name, .text("AddressType") { $0["addressType"]?.string ?? "" },
        .text("Ports") { shortened(($0["ports"]?.array ?? []).map { $0["port"]?.integer.map(String.init) ?? "*" }, "<unset>") },
        .text("Endpoints") { slice in
            shortened((slice["endpoints"]?.array ?? []).flatMap { $0["addresses"]?.array?.compactMap(\.string) ?? [] }, "<unset>")
        },
        .age,
    ]

    private static func externalAddresses(_ service: JSONValue) -> String {
        let fixed = service[path: "spec", "externalIPs"]?.array?.compactMap(\.string) ?? []
        switch service[path: "spec", "type"]?.string {
        case "LoadBalancer":
            let ingress = service[path: "status", "loadBalancer", "ingress"]?.array ?? []
            let all = ingress.compactMap { $0["ip"]?.string ?? $0["hostname"]?.string } + fixed
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return service[path: "spec", "externalName"]?.string ?? "<none>"
        default: return fixed.isEmpty ? "<none>" : fixed.joined(separator: ",")
        }
    }

    private static func ports(_ service: JSONValue) -> String {
        let ports = (service[path: "spec", "ports"]?.array ?? []).map { port in
            let number = port["port"]?.integer ?? 0
            let node = port["nodePort"]?.integer.map { ":\($0)" } ?? ""
            return "\(number)\(node)/\(port["protocol"]?.string ?? "TCP")"
        }
        return ports.isEmpty ? "<none>" : ports.joined(separator: ",")
    }

    private static func endpointAddresses(_ endpoints: JSONValue) -> String {
        let all = (endpoints["subsets"]?.array ?? []).flatMap { subset -> [String] in
            let addresses = (subset["addresses"]?.array ?? []).compactMap { $0["ip"]?.string }
            let ports = (subset["ports"]?.array ?? []).compactMap { $0["port"]?.integer }
            return ports.isEmpty ? addresses : ports.flatMap { port in addresses.map { HostPort.text($0, Int(port)) } }
        }
        return shortened(all, "<none>")
    }

    private static func shortened(_ items: [String], _ none: String) -> String {
        if items.isEmpty { return none }
        let shown = items.prefix(3).joined(separator: ",")
        return items.count > 3 ? "\(shown) + \(items.count - 3) more..." : shown
    }
}
