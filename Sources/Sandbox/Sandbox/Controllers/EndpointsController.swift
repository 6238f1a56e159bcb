import JSON

/// Publishes which pods are behind each Service, as Endpoints and as EndpointSlices
/// (https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/).
struct EndpointsController: Reconciler {
    static let watched: [ResourceType] = [.services, .pods]

    var flaws: Set<SandboxFlaw> = []
    /// Is `true` for each Service whose last ready pods have gone.
    private var lost: [String: Bool] = [:]

    init(flaws: Set<SandboxFlaw> = []) { self.flaws = flaws }

    mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let services = state.list(.services)
        for service in services where !(service[path: "spec", "selector"]?.strings ?? [:]).isEmpty { publish(service, &state) }
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
        publishSlice(service, pods, unready, &state)
        if flaws.contains(.serviceIPChanges) { changeAddress(service, isReady: pods.contains { $0.isReady && !$0.isBeingDeleted }, &state) }
    }

    private static func target(_ pod: JSONValue) -> JSONValue {
        ["kind": "Pod", "name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)]
    }

    /// A Service's ports with the numbers that its pods listen on; names are looked up in the first pod.
    static func ports(_ service: JSONValue, _ pods: [JSONValue]) -> [JSONValue] {
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
        let ready = pods.filter { ($0.isReady || unready) && !$0.isBeingDeleted }
        let waiting = pods.filter { !($0.isReady || unready) && !$0.isBeingDeleted }
        var subset: JSONValue = ["ports": .array(Self.ports(service, pods))]
        if !ready.isEmpty { subset["addresses"] = addresses(ready) }
        if !waiting.isEmpty { subset["notReadyAddresses"] = addresses(waiting) }
        let subsets: JSONValue? = ready.isEmpty && waiting.isEmpty ? nil : [subset]
        let key = ObjectKey(.endpoints, namespace: service.namespace, name: service.name)
        guard state[key] != nil else {
            var endpoints: JSONValue = ["metadata": ["name": .string(service.name), "labels": JSONValue(strings: service.labels)]]
            endpoints["subsets"] = subsets
            _ = try? state.create(.endpoints, endpoints, namespace: service.namespace)
            return
        }
        _ = try? state.modify(key) { $0["subsets"] = subsets }
    }

    private func publishSlice(_ service: JSONValue, _ pods: [JSONValue], _ unready: Bool, _ state: inout StoreState) {
        let endpoints = pods.map { pod -> JSONValue in
            let isServing = pod.isReady || unready
            return [
                "addresses": [pod[path: "status", "podIP"] ?? ""], "nodeName": .string(pod.nodeName), "targetRef": Self.target(pod),
                "conditions": [
                    "ready": .bool(isServing && !pod.isBeingDeleted), "serving": .bool(isServing), "terminating": .bool(pod.isBeingDeleted),
                ],
            ]
        }
        let name = "\(service.name)-\(StableHash.label(.string(service.uid)).prefix(5))"
        let key = ObjectKey(.endpointSlices, namespace: service.namespace, name: name)
        let ports = JSONValue.array(
            Self.ports(service, pods).map { port in
                var port = port
                port["name"] = port["name"] ?? ""
                return port
            })
        guard state[key] != nil else {
            let labels = service.labels.merging(
                ["kubernetes.io/service-name": service.name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"]
            ) { _, new in new }
            let slice: JSONValue = [
                "metadata": [
                    "name": .string(name), "generateName": .string(service.name + "-"), "labels": JSONValue(strings: labels),
                    "ownerReferences": [service.asController],
                ],
                "addressType": "IPv4", "endpoints": .array(endpoints), "ports": ports,
            ]
            _ = try? state.create(.endpointSlices, slice, namespace: service.namespace)
            return
        }
        _ = try? state.modify(key) {
            $0["endpoints"] = .array(endpoints)
            $0["ports"] = ports
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
