import Experiment
import Fault
import Journal
import Kubernetes
import KubernetesAPI
import Network

/// The experiment's target in the cluster: the Service's stable address, the backends behind it, and their workload.
struct ResolvedTarget: Sendable {
    var namespace: String
    var workload: Workload
    /// The workload's pods, with the terminating ones.
    var pods: [Pod]
    var service: Service
    /// The Service's port that is probed.
    var servicePort: Service.Port
    /// All backends behind the address, ready or not.
    var backends: [Backend]
    var host: String
    /// `spec.target.container`.
    var namedContainer: String?

    var port: Int { servicePort.port }

    var address: String { HostPort.text(host, port) }

    /// The pod's port, a number or a name.
    var targetPort: IntOrString { servicePort.targetPort ?? .int(servicePort.port) }

    /// The backends that receive clients now.
    var readyBackends: [Backend] { backends.filter(\.isReady) }

    /// The workload's pods that serve: ready, not terminating, and behind the address.
    var servingPods: [Pod] { pods.filter { pod in pod.isReady && readyBackends.contains { $0.leads(to: pod) } } }

    /// The number of replicas that are ready by the workload's status and by its pods.
    var readyReplicas: Int { min(workload.readyReplicas ?? .max, pods.count(where: \.isReady)) }

    /// The error if a client could reach several servers, or one that does not belong to the workload.
    var ambiguity: TargetError? {
        let name = "Service \(namespace)/\(service.metadata.name)"
        if readyBackends.count > 1 {
            let list = readyBackends.map(\.name).joined(separator: ", ")
            return TargetError(
                check: "service", message: "\(name) leads to \(readyBackends.count) ready servers: \(list); a client reaches any of them",
                hint: "let its spec.selector match the pod of one instance only")
        }
        if let foreign = readyBackends.first(where: { backend in !pods.contains { backend.leads(to: $0) } }) {
            return TargetError(
                check: "service", message: "\(name) leads to \(foreign.name), which does not belong to \(workload.name)",
                hint: "set spec.target.workload to the owner of that pod, or spec.target.service to a Service of \(workload.name)")
        }
        return nil
    }

    /// The reason why the Service's endpoints do not follow the workload's pods by themselves; `nil` if they do.
    var endpointsByHand: String? {
        let name = "Service \(service.metadata.name)"
        guard service.spec.selector?.isEmpty == false else { return "\(name) has no selector" }
        guard let foreign = readyBackends.first(where: \.isForeign) else { return nil }
        return "the EndpointSlice by which \(name) leads to \(foreign.name) is not written by Kubernetes"
    }

    /// Is `true` if a pod is ready and the Service does not lead to it yet. Kubernetes promises no time for that.
    var isAwaitingEndpoint: Bool { readyBackends.isEmpty && pods.contains(where: \.isReady) }

    /// Returns the instance that a fault hits: the one pod behind the address, and its container with the Service's target port.
    ///
    /// - Throws: ``TargetError`` if there is none, or several.
    func instance() throws -> FaultTarget {
        if let ambiguity { throw ambiguity }
        guard let pod = servingPods.first else {
            throw TargetError(
                check: "workload", message: "Service \(namespace)/\(service.metadata.name) leads to no ready pod of \(workload.name)",
                hint: "see 'kubectl -n \(namespace) get pods,endpointslices'")
        }
        return try FaultTarget(
            pod: pod, container: try container(of: pod).name, workload: workload.name, lease: TargetLock.name(of: workload.lockName))
    }

    /// The container with the Service's target port, or the experiment's `spec.target.container`.
    func container(of pod: Pod) throws(TargetError) -> Container {
        let containers = pod.spec.containers
        let listed = containers.map(\.name).joined(separator: ", ")
        let hint = "set spec.target.container to one of \(listed)"
        if let namedContainer {
            if let found = containers.first(where: { $0.name == namedContainer }) { return found }
            throw TargetError(check: "container", message: "pod \(pod.metadata.name) has no container '\(namedContainer)'", hint: hint)
        }
        let declaring = containers.filter { ($0.ports ?? []).contains { $0.isTarget(targetPort) } }
        if declaring.count == 1 { return declaring[0] }
        if containers.count == 1 { return containers[0] }
        let which = declaring.isEmpty ? "none" : "\(declaring.count)"
        throw TargetError(
            check: "container",
            message: "of the containers \(listed) of pod \(pod.metadata.name) \(which) has the Service's target port \(targetPort)",
            hint: hint)
    }
}

/// A difference between the cluster and the target that the experiment describes.
struct TargetError: Error, Sendable, CustomStringConvertible {
    var check: String
    var message: String
    var hint: String?

    var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

/// Finds the target in the cluster. Every call asks the cluster again.
struct TargetResolver: Sendable {
    let client: KubernetesClient
    let target: Experiment.Target

    /// The timeout for a Service's endpoints to include a Ready pod.
    static let endpointTimeout = Duration.seconds(10)

    func resolve() async throws -> ResolvedTarget {
        guard let service = try await client.find(Service.self, target.service, in: target.namespace) else {
            throw TargetError(
                check: "service", message: "the Service \(target.namespace)/\(target.service) does not exist",
                hint: "set spec.target.service to one of 'kubectl -n \(target.namespace) get services'")
        }
        let port = try service.probedPort(target.port)
        let workload = try await workload()
        let pods = try await client.list(Pod.self, in: .namespace(target.namespace), labels: workload.pods.labels).items
        return ResolvedTarget(
            namespace: target.namespace, workload: workload, pods: pods.filter(workload.pods.contains), service: service,
            servicePort: port, backends: try await backends(of: service, port), host: try host(of: service),
            namedContainer: target.container)
    }

    /// Returns the target as soon as its Service leads to its ready pod, or its last state if that takes too long.
    func resolveWithEndpoint() async throws -> ResolvedTarget {
        let first = try await resolve()
        guard first.isAwaitingEndpoint else { return first }
        let settled = try await firstResult(within: Self.endpointTimeout) { () async throws -> ResolvedTarget? in
            let labels = "\(LabelKey.serviceName)=\(target.service)"
            for try await _ in client.watch(EndpointSlice.self, in: .namespace(target.namespace), labels: labels) {
                let now = try await resolve()
                if !now.isAwaitingEndpoint { return now }
            }
            return nil
        }
        if let settled { return settled }
        return try await resolve()
    }

    // MARK: What the Service leads to

    /// Reads the backends from the Service's EndpointSlices, or from its Endpoints if it has none.
    private func backends(of service: Service, _ port: Service.Port) async throws -> [Backend] {
        let labels = "\(LabelKey.serviceName)=\(service.metadata.name)"
        var slices: [EndpointSlice] = []
        do throws(KubernetesError) {
            slices = try await client.list(EndpointSlice.self, in: .namespace(target.namespace), labels: labels).items
        } catch {
            guard error.code == .notFound else { throw error }
        }
        guard slices.isEmpty else { return Backend.all(slices, port: port.name ?? "") }
        do throws(KubernetesError) {
            let endpoints = try await client.find(Endpoints.self, service.metadata.name, in: target.namespace)
            return endpoints.map { Backend.all($0, port: port.name ?? "") } ?? []
        } catch {
            // If slices may be read and there are none, the Service has no backend, even if its Endpoints may not be read.
            guard error.code == .forbidden else { throw error }
            return []
        }
    }

    /// The stable address: the one that the experiment chooses, else the load balancer's, else the cluster IP.
    private func host(of service: Service) throws(TargetError) -> String {
        let ingress = service.status?.loadBalancer?.ingress?.compactMap { $0.ip ?? $0.hostname }.first
        let clusterIP = service.spec.clusterIP.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
        let name = "Service \(target.namespace)/\(target.service)"
        switch target.address {
        case .auto:
            if let address = ingress ?? clusterIP { return address }
            throw TargetError(
                check: "service", message: "\(name) has neither a load balancer's address nor a cluster IP",
                hint: "a headless Service has no stable address")
        case .clusterIP:
            if let clusterIP { return clusterIP }
            throw TargetError(check: "service", message: "\(name) has no cluster IP", hint: "a headless Service has no stable address")
        case .loadBalancer:
            if let ingress { return ingress }
            throw TargetError(
                check: "service", message: "\(name) has no load balancer address yet",
                hint: "see 'kubectl describe service', or set spec.target.address: clusterIP")
        }
    }
}

extension Service {
    /// The probed port: the experiment's by name or number, else the only one, else 1433. TDS needs TCP.
    func probedPort(_ wanted: String?) throws(TargetError) -> Port {
        let all = spec.ports ?? []
        let ports = all.filter(\.isTCP)
        let name = "Service \(metadata.name)"
        func refused(_ message: String, hint: String) -> TargetError { TargetError(check: "service", message: message, hint: hint) }
        guard !all.isEmpty else {
            throw refused(
                "\(name) has no ports: it is a name for something outside of the cluster",
                hint: "set spec.target.service to a Service that leads to the workload's pod")
        }
        let listed = ports.map { port in (port.name.map { "\($0)=" } ?? "") + "\(port.port)" }.joined(separator: ", ")
        guard !ports.isEmpty else {
            throw refused("\(name) has no TCP port", hint: "give its port the protocol TCP, which is the default")
        }
        if let wanted {
            if let found = ports.first(where: { $0.name == wanted || "\($0.port)" == wanted }) { return found }
            throw refused("\(name) has no port '\(wanted)'", hint: "it has \(listed)")
        }
        if ports.count == 1 { return ports[0] }
        if let usual = ports.first(where: { $0.port == 1433 }) { return usual }
        throw refused("\(name) has \(ports.count) ports, none of them 1433", hint: "set spec.target.port to one of \(listed)")
    }
}

extension ContainerPort {
    /// Returns whether a Service's target port, a number or a name, is this one.
    fileprivate func isTarget(_ wanted: IntOrString) -> Bool {
        guard (self.protocol ?? "TCP") == "TCP" else { return false }
        return switch wanted {
        case .int(let number): containerPort == number
        case .string(let name): self.name == name || "\(containerPort)" == name
        }
    }
}
