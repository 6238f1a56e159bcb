import JSON
import SandboxStore

/// Gives Services their addresses: loopback ones of one /16 block, so that they are reachable from this machine alone.
package struct ServiceAddresses: Sendable {
    /// The first two bytes, as in `127.96`.
    package let prefix: String

    package init(prefix: String) {
        self.prefix = prefix
    }

    /// The address of the `kubernetes` Service, by convention the first.
    package var kubernetes: String { "\(prefix).0.1" }

    func allocate(for service: inout JSONValue, in state: StoreState) throws(APIError) {
        let type = service[path: "spec", "type"]?.string ?? "ClusterIP"
        guard type != "ExternalName" else { return }
        let others = state.list(.services)
        if service[path: "spec", "clusterIP"]?.string.map({ $0.isEmpty }) ?? true {
            service[path: "spec", "clusterIP"] = .string(try freeAddress(others))
        }
        let address = service[path: "spec", "clusterIP"]?.string ?? ""
        if address != "None", others.contains(where: { $0[path: "spec", "clusterIP"]?.string == address && $0.uid != service.uid }) {
            throw invalid(
                service, "spec.clusterIPs", .string(address), "failed to allocate IP \(address): provided IP is already allocated")
        }
        if address != "None", !address.hasPrefix("\(prefix).") {
            throw invalid(
                service, "spec.clusterIPs", .string(address),
                "failed to allocate IP \(address): the provided IP is not in the valid range. The range of valid IPs is \(prefix).0.0/16")
        }
        service[path: "spec", "clusterIPs"] = [.string(address)]
        service.fill("spec", "ipFamilies", with: ["IPv4"])
        service.fill("spec", "ipFamilyPolicy", with: "SingleStack")
        if type == "NodePort" || type == "LoadBalancer" { assignNodePorts(&service, others) }
    }

    /// Keeps the address of a changed Service: it stays for the Service's whole life.
    func reallocate(for service: inout JSONValue, from old: JSONValue, in state: StoreState) throws(APIError) {
        for member in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] where service[path: "spec", member] == nil {
            service[path: "spec", member] = old[path: "spec", member]
        }
        if old[path: "spec", "type"]?.string == "ExternalName" || service[path: "spec", "clusterIP"] == nil {
            try allocate(for: &service, in: state)
        }
        let type = service[path: "spec", "type"]?.string
        if type == "NodePort" || type == "LoadBalancer" {
            let known = old[path: "spec", "ports"]?.array ?? []
            service.editEach("spec", "ports") { port in
                let same = known.first { $0["port"] == port["port"] && $0["protocol"] == port["protocol"] }
                if port["nodePort"] == nil { port["nodePort"] = same?["nodePort"] }
            }
            assignNodePorts(&service, state.list(.services).filter { $0.uid != old.uid })
        }
    }

    private func freeAddress(_ services: [JSONValue]) throws(APIError) -> String {
        let used = Set(services.compactMap { $0[path: "spec", "clusterIP"]?.string })
        // .0.x is left to fixed addresses and .255.x to load balancers.
        for third in 1..<255 {
            for fourth in 1..<255 where !used.contains("\(prefix).\(third).\(fourth)") { return "\(prefix).\(third).\(fourth)" }
        }
        throw APIError(500, "InternalError", "failed to allocate a serviceIP: range \(prefix).0.0/16 is full")
    }

    private func assignNodePorts(_ service: inout JSONValue, _ others: [JSONValue]) {
        var used = Set(others.flatMap { $0[path: "spec", "ports"]?.array ?? [] }.compactMap { $0["nodePort"]?.integer })
        used.formUnion((service[path: "spec", "ports"]?.array ?? []).compactMap { $0["nodePort"]?.integer })
        service.editEach("spec", "ports") { port in
            guard port["nodePort"] == nil, let free = (Int64(30000)...32767).first(where: { !used.contains($0) }) else { return }
            port["nodePort"] = .integer(free)
            used.insert(free)
        }
    }

    private func invalid(_ service: JSONValue, _ field: String, _ value: JSONValue, _ detail: String) -> APIError {
        var problems = FieldProblems()
        problems.invalid(field, value, detail)
        var error = APIError(422, "Invalid", "Service \"\(service.name)\" is invalid: \(field): \(problems.causes[0].message)")
        error.kind = "Service"
        error.name = service.name
        error.causes = problems.causes
        return error
    }
}

enum ServiceDefaults {
    static func complete(_ service: inout JSONValue) {
        service.edit("spec") { spec in
            spec.fill("type", with: "ClusterIP")
            spec.fill("sessionAffinity", with: "None")
            spec.fill("internalTrafficPolicy", with: "Cluster")
            let type = spec["type"]?.string
            if type == "NodePort" || type == "LoadBalancer" { spec.fill("externalTrafficPolicy", with: "Cluster") }
            if type == "LoadBalancer" { spec.fill("allocateLoadBalancerNodePorts", with: true) }
            spec.editEach("ports") { port in
                port.fill("protocol", with: "TCP")
                if let number = port["port"] { port.fill("targetPort", with: number) }
            }
        }
    }
}

/// Ports, by number or by name.
enum PortValidation {
    static func check(_ port: JSONValue, at path: String, _ problems: inout FieldProblems) {
        switch port {
        case .integer(let number) where (1...65535).contains(number): break
        case .string(let name):
            if name.utf8.count > 15 || !name.contains(where: \.isLetter) || !MetadataValidation.isLabel(name) {
                problems.invalid(
                    path, port,
                    "must be a port number or an IANA service name: at most 15 lower case alphanumeric characters or '-', at least one of them a letter"
                )
            }
        default: problems.invalid(path, port, "must be between 1 and 65535, inclusive")
        }
    }

    /// The ports and addresses of Endpoints and EndpointSlices, which the Service proxy connects to.
    static func checkEndpoints(_ object: JSONValue, _ problems: inout FieldProblems) {
        for (index, subset) in (object["subsets"]?.array ?? []).enumerated() {
            checkNumbers(subset["ports"], at: "subsets[\(index)].ports", &problems)
        }
        checkNumbers(object["ports"], at: "ports", &problems)
    }

    private static func checkNumbers(_ ports: JSONValue?, at path: String, _ problems: inout FieldProblems) {
        for (index, port) in (ports?.array ?? []).enumerated() {
            guard let number = port["port"], !number.isNull else { continue }
            if !(1...65535).contains(number.integer ?? 0) {
                problems.invalid("\(path)[\(index)].port", number, "must be between 1 and 65535, inclusive")
            }
        }
    }
}

enum ServiceValidation {
    private static let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]

    private static let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"]

    /// The embedded cluster has IPv4 only, as a cluster has that is not configured for more.
    private static func checkFamilies(_ service: JSONValue, _ problems: inout FieldProblems) {
        let policy = service[path: "spec", "ipFamilyPolicy"]
        switch policy?.string {
        case "RequireDualStack"?:
            problems.invalid("spec.ipFamilyPolicy", policy, "this cluster is not configured for dual-stack services")
        case let name? where !policies.contains(name): problems.unsupported("spec.ipFamilyPolicy", name, policies)
        default: break
        }
        for (index, family) in (service[path: "spec", "ipFamilies"]?.array ?? []).enumerated() where family != "IPv4" {
            problems.invalid("spec.ipFamilies[\(index)]", family, "not configured on this cluster")
        }
    }

    static func check(_ service: JSONValue, old: JSONValue?, _ problems: inout FieldProblems) {
        let type = service[path: "spec", "type"]?.string ?? ""
        if !types.contains(type) { problems.unsupported("spec.type", type, types) }
        checkFamilies(service, &problems)
        let ports = service[path: "spec", "ports"]?.array ?? []
        let isHeadless = service[path: "spec", "clusterIP"]?.string == "None"
        if ports.isEmpty, type != "ExternalName", !isHeadless { problems.required("spec.ports") }
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let place = "spec.ports[\(index)]"
            if !(1...65535).contains(port["port"]?.integer ?? 0) {
                problems.invalid("\(place).port", port["port"], "must be between 1 and 65535, inclusive")
            }
            if let target = port["targetPort"] { PortValidation.check(target, at: "\(place).targetPort", &problems) }
            if let number = port["nodePort"]?.integer, !(30000...32767).contains(number) {
                problems.invalid(
                    "\(place).nodePort", port["nodePort"],
                    "provided port is not in the valid range. The range of valid ports is 30000-32767")
            }
            let name = port["name"]?.string ?? ""
            if name.isEmpty, ports.count > 1 { problems.required("\(place).name") }
            if !name.isEmpty, !names.insert(name).inserted { problems.duplicate("\(place).name", name) }
        }
        if let old, let before = old[path: "spec", "clusterIP"]?.string, !before.isEmpty, type != "ExternalName",
            service[path: "spec", "clusterIP"]?.string != before
        {
            problems.invalid("spec.clusterIPs[0]", service[path: "spec", "clusterIP"], "may not change once set")
        }
    }
}
