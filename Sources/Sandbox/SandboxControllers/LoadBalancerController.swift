import JSON
package import SandboxStore

/// Gives Services of type LoadBalancer an address of their own, for as long as they are of that type.
package struct LoadBalancerController: Reconciler {
    package static let watched: [ResourceType] = [.services]

    /// The first two bytes of Service addresses; `.255.x` is left to load balancers.
    package let prefix: String

    package init(prefix: String) {
        self.prefix = prefix
    }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let services = state.list(.services)
        var used = Set(services.compactMap(Self.address))
        for service in services {
            let key = ObjectKey(.services, namespace: service.namespace, name: service.name)
            let isBalanced = service[path: "spec", "type"]?.string == "LoadBalancer"
            if !isBalanced, Self.address(service) != nil {
                _ = try? state.modify(key, part: .status) { $0[path: "status", "loadBalancer"] = [:] }
            } else if isBalanced, Self.address(service) == nil {
                guard let free = (1..<255).map({ "\(prefix).255.\($0)" }).first(where: { !used.contains($0) }) else { continue }
                used.insert(free)
                _ = try? state.modify(key, part: .status) { $0[path: "status", "loadBalancer", "ingress"] = [["ip": .string(free)]] }
                state.recordEvent(service, .normal, "EnsuredLoadBalancer", "Ensured load balancer", from: "service-controller")
            }
        }
        return nil
    }

    private static func address(_ service: JSONValue) -> String? {
        service[path: "status", "loadBalancer", "ingress"]?[0]?["ip"]?.string
    }
}
