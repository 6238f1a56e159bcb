package import JSON
import KubernetesAPI
package import SandboxStore

/// Publishes which pods are behind each Service, as Endpoints and as EndpointSlices
/// (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/).
package struct EndpointsController: Reconciler {
    package static let watched: [ResourceType] = [.services, .pods, .endpoints]

    package var flaws: Set<SandboxFlaw> = []
    /// Is `true` for each Service whose last ready pods have gone.
    private var lost: [String: Bool] = [:]

    package init(flaws: Set<SandboxFlaw> = []) { self.flaws = flaws }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let services = state.list(.services)
        for service in services where service[path: "spec", "type"]?.string != "ExternalName" {
            if !(service[path: "spec", "selector"]?.strings ?? [:]).isEmpty {
                publish(service, &state)
            } else if let endpoints = state[ObjectKey(.endpoints, namespace: service.namespace, name: service.name)] {
                mirror(endpoints, of: service, &state)
            }
        }
        // Endpoints have no owner reference: they go with their Service by name.
        for endpoints in state.list(.endpoints)
        where !services.contains(where: { $0.name == endpoints.name && $0.namespace == endpoints.namespace }) {
            _ = try? state.delete(ObjectKey(.endpoints, namespace: endpoints.namespace, name: endpoints.name))
        }
        return nil
    }

    private mutating func publish(_ service: JSONValue, _ state: inout StoreState) {
        let selector = LabelSelector(equal: service[path: "spec", "selector"]?.strings ?? [:])
        let pods = state.list(.pods, ObjectFilter(namespace: service.namespace)).filter {
            selector.matches($0.labels) && !$0.isFinished && $0[path: "status", "podIP"]?.string != nil
        }
        let unready = service[path: "spec", "publishNotReadyAddresses"]?.bool == true
        let isHeadless = service[path: "spec", "clusterIP"]?.string == "None"
        publishEndpoints(service, pods, unready, isHeadless, &state)
        publishSlices(service, pods, unready, &state)
        if flaws.contains(.serviceIPChanges) { changeAddress(service, isReady: pods.contains { $0.isReady && !$0.isBeingDeleted }, &state) }
    }

    private static func target(_ pod: JSONValue) -> JSONValue {
        ["kind": "Pod", "name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)]
    }

    /// A Service's ports with the numbers that its pods listen on; names are looked up in the first pod.
    package static func ports(_ service: JSONValue, _ pods: [JSONValue]) -> [JSONValue] {
        (service[path: "spec", "ports"]?.array ?? []).compactMap { port in
            guard let number = targetPort(port, pods.first) else { return nil }
            var result: JSONValue = ["port": .integer(number), "protocol": port["protocol"] ?? "TCP"]
            result["name"] = port["name"]
            return result
        }
    }

    static func targetPort(_ port: JSONValue, _ pod: JSONValue?) -> Int64? {
        guard let name = port["targetPort"]?.string else { return port["targetPort"]?.integer ?? port["port"]?.integer }
        if let number = Int64(name) { return number }
        return (pod?[path: "spec", "containers"]?.array ?? []).lazy.flatMap { $0["ports"]?.array ?? [] }
            .first { $0["name"]?.string == name }?["containerPort"]?.integer
    }

    /// The pods by the ports that they listen on: a named target port may be another number in each of two workloads.
    private static func groups(_ service: JSONValue, _ pods: [JSONValue]) -> [(ports: [JSONValue], pods: [JSONValue])] {
        var groups: [(ports: [JSONValue], pods: [JSONValue])] = []
        for pod in pods {
            let ports = ports(service, [pod])
            if let index = groups.firstIndex(where: { $0.ports == ports }) {
                groups[index].pods.append(pod)
            } else {
                groups.append((ports, [pod]))
            }
        }
        return groups.isEmpty ? [(ports(service, []), [])] : groups
    }

    private func publishEndpoints(
        _ service: JSONValue, _ pods: [JSONValue], _ unready: Bool, _ isHeadless: Bool, _ state: inout StoreState
    ) {
        func addresses(_ pods: [JSONValue]) -> JSONValue {
            .array(
                pods.map { pod in
                    var address: JSONValue = [
                        "ip": pod[path: "status", "podIP"] ?? "", "nodeName": .string(pod.nodeName), "targetRef": Self.target(pod),
                    ]
                    if isHeadless { address["hostname"] = pod[path: "spec", "hostname"] }
                    return address
                })
        }
        let found = Self.groups(service, pods).compactMap { group -> JSONValue? in
            let ready = group.pods.filter { unready || $0.isReady && !$0.isBeingDeleted }
            let waiting = group.pods.filter { !unready && !$0.isReady && !$0.isBeingDeleted }
            guard !ready.isEmpty || !waiting.isEmpty else { return nil }
            var subset: JSONValue = ["ports": .array(group.ports)]
            if !ready.isEmpty { subset["addresses"] = addresses(ready) }
            if !waiting.isEmpty { subset["notReadyAddresses"] = addresses(waiting) }
            return subset
        }
        let subsets: JSONValue? = found.isEmpty ? nil : .array(found)
        let key = ObjectKey(.endpoints, namespace: service.namespace, name: service.name)
        guard state[key] != nil else {
            var endpoints: JSONValue = ["metadata": ["name": .string(service.name), "labels": JSONValue(strings: service.labels)]]
            endpoints["subsets"] = subsets
            _ = try? state.create(.endpoints, endpoints, namespace: service.namespace)
            return
        }
        _ = try? state.modify(key) { $0["subsets"] = subsets }
    }

    private func publishSlices(_ service: JSONValue, _ pods: [JSONValue], _ unready: Bool, _ state: inout StoreState) {
        let isHeadless = service[path: "spec", "clusterIP"]?.string == "None"
        var slices: [(ports: [JSONValue], endpoints: [JSONValue])] = []
        for group in Self.groups(service, pods) {
            let endpoints = group.pods.map { pod -> JSONValue in
                var endpoint: JSONValue = [
                    "addresses": [pod[path: "status", "podIP"] ?? ""], "nodeName": .string(pod.nodeName), "targetRef": Self.target(pod),
                    "conditions": [
                        "ready": .bool(unready || pod.isReady && !pod.isBeingDeleted), "serving": .bool(pod.isReady),
                        "terminating": .bool(pod.isBeingDeleted),
                    ],
                ]
                if isHeadless, pod[path: "spec", "subdomain"]?.string == service.name {
                    endpoint["hostname"] = pod[path: "spec", "hostname"]
                }
                return endpoint
            }
            slices.append((group.ports, endpoints))
        }
        write(slices, of: service, by: "endpointslice-controller.k8s.io", &state)
    }

    /// Endpoints that somebody wrote for a Service without a selector, as slices (Kubernetes: pkg/controller/endpointslicemirroring).
    private func mirror(_ endpoints: JSONValue, of service: JSONValue, _ state: inout StoreState) {
        guard endpoints.labels["endpointslice.kubernetes.io/skip-mirror"] != "true" else { return }
        let slices = (endpoints["subsets"]?.array ?? []).map { subset -> (ports: [JSONValue], endpoints: [JSONValue]) in
            func endpoints(_ list: String, isReady: Bool) -> [JSONValue] {
                (subset[list]?.array ?? []).map { address in
                    var endpoint: JSONValue = ["addresses": [address["ip"] ?? ""], "conditions": ["ready": .bool(isReady)]]
                    endpoint["nodeName"] = address["nodeName"]
                    endpoint["targetRef"] = address["targetRef"]
                    return endpoint
                }
            }
            let all = endpoints("addresses", isReady: true) + endpoints("notReadyAddresses", isReady: false)
            return (subset["ports"]?.array ?? [], all)
        }
        write(slices, of: service, by: "endpointslicemirroring-controller.k8s.io", &state)
    }

    private func write(
        _ slices: [(ports: [JSONValue], endpoints: [JSONValue])], of service: JSONValue, by manager: String, _ state: inout StoreState
    ) {
        let managedBy = "endpointslice.kubernetes.io/managed-by"
        let base = "\(service.name)-\(StableHash.label(.string(service.uid)).prefix(5))"
        var names: Set<String> = []
        for (index, slice) in slices.enumerated() {
            let name = index == 0 ? base : "\(base)-\(index)"
            names.insert(name)
            let ports = JSONValue.array(
                slice.ports.map { port in
                    var port = port
                    port["name"] = port["name"] ?? ""
                    return port
                })
            let key = ObjectKey(.endpointSlices, namespace: service.namespace, name: name)
            if state[key] != nil {
                _ = try? state.modify(key) {
                    $0["endpoints"] = .array(slice.endpoints)
                    $0["ports"] = ports
                }
                continue
            }
            let labels = service.labels.merging([LabelKey.serviceName: service.name, managedBy: manager]) { _, new in new }
            let object: JSONValue = [
                "metadata": [
                    "name": .string(name), "generateName": .string(service.name + "-"), "labels": JSONValue(strings: labels),
                    "ownerReferences": [service.asController],
                ],
                "addressType": "IPv4", "endpoints": .array(slice.endpoints), "ports": ports,
            ]
            _ = try? state.create(.endpointSlices, object, namespace: service.namespace)
        }
        for left in state.list(.endpointSlices, ObjectFilter(namespace: service.namespace))
        where left.isControlled(by: service) && left.labels[managedBy] == manager && !names.contains(left.name) {
            _ = try? state.delete(ObjectKey(.endpointSlices, namespace: left.namespace, name: left.name))
        }
    }

    /// The flaw: a Service whose pods were away comes back under other addresses.
    private mutating func changeAddress(_ service: JSONValue, isReady: Bool, _ state: inout StoreState) {
        let wasLost = lost[service.uid]
        if !isReady {
            if wasLost != nil { lost[service.uid] = true }
            return
        }
        lost[service.uid] = false
        guard wasLost == true else { return }
        var changed = service
        func next(_ address: JSONValue?) -> JSONValue? {
            guard var parts = address?.string?.split(separator: ".").compactMap({ Int($0) }), parts.count == 4 else { return address }
            parts[3] = (parts[3] + 99) % 254 + 1
            return .string(parts.map(String.init).joined(separator: "."))
        }
        changed[path: "spec", "clusterIP"] = next(service[path: "spec", "clusterIP"])
        changed[path: "spec", "clusterIPs"] = changed[path: "spec", "clusterIP"].map { [$0] }
        if let ingress = service[path: "status", "loadBalancer", "ingress"]?[0]?["ip"] {
            changed[path: "status", "loadBalancer", "ingress"] = [["ip": next(ingress) ?? ingress]]
        }
        state.put(changed, ObjectKey(.services, namespace: service.namespace, name: service.name), .modified, previous: service)
    }
}
