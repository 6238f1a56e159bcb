import JSON
import KubernetesAPI
import SandboxStore

/// Where the Service proxy listens and which pods it forwards to: what kube-proxy computes from Services and EndpointSlices
/// (https://kubernetes.io/docs/reference/networking/virtual-ips/).
struct ProxyTable: Sendable, Equatable {
    struct Frontend: Sendable, Hashable {
        let address: String
        let port: Int
    }

    struct Backend: Sendable, Hashable {
        let address: String
        let port: Int
        /// Empty for what runs on no node.
        let node: String
    }

    /// A frontend without backends is not in it: connections to it are refused.
    var backends: [Frontend: [Backend]] = [:]

    init(_ state: StoreState) {
        let slices = state.list(.endpointSlices)
        for service in state.list(.services) {
            let own = slices.filter { $0.namespace == service.namespace && $0.labels[LabelKey.serviceName] == service.name }
            for port in service[path: "spec", "ports"]?.array ?? [] where (port["protocol"]?.string ?? "TCP") == "TCP" {
                let targets = Self.targets(port["name"]?.string ?? "", own)
                guard !targets.isEmpty, let number = port["port"]?.integer else { continue }
                for address in Self.addresses(service) { backends[Frontend(address: address, port: Int(number))] = targets }
            }
        }
    }

    private static func addresses(_ service: JSONValue) -> [String] {
        let ingress = service[path: "status", "loadBalancer", "ingress"]?.array?.compactMap { $0["ip"]?.string } ?? []
        let cluster = service[path: "spec", "clusterIP"]?.string ?? ""
        return (cluster.isEmpty || cluster == "None" ? [] : [cluster]) + ingress
    }

    /// The ready endpoints; while there are none, those that still serve while they terminate (KEP-1669).
    private static func targets(_ portName: String, _ slices: [JSONValue]) -> [Backend] {
        var ready: [Backend] = []
        var terminating: [Backend] = []
        for slice in slices {
            guard let port = slice["ports"]?.array?.first(where: { ($0["name"]?.string ?? "") == portName })?["port"]?.integer else {
                continue
            }
            for endpoint in slice["endpoints"]?.array ?? [] {
                guard let address = endpoint["addresses"]?[0]?.string else { continue }
                let backend = Backend(address: address, port: Int(port), node: endpoint["nodeName"]?.string ?? "")
                let conditions = endpoint["conditions"] ?? [:]
                if conditions["ready"]?.bool ?? true {
                    ready.append(backend)
                } else if conditions["serving"]?.bool == true, conditions["terminating"]?.bool == true {
                    terminating.append(backend)
                }
            }
        }
        return ready.isEmpty ? terminating : ready
    }
}
