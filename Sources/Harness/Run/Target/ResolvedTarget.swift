import Experiment
import Journal
import Kubernetes
import TDS

/// The experiment's target as the cluster has it: the workload, its pods, the service and its stable address.
struct ResolvedTarget: Sendable {
    var namespace: String
    /// Selects the workload's pods, as a label selector of the API.
    var podSelector: String
    var desiredReplicas: Int
    /// As the workload's status counts them, which a controller brings up to date in its own time.
    var reportedReplicas: Int
    /// The workload's pods, the terminating ones too.
    var pods: [Pod]
    var service: Service
    var host: String
    var port: Int

    var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The pods that serve: ready and not on their way out.
    var servingPods: [Pod] { pods.filter(\.isReady) }

    /// The labels that the workload and its pods agree on.
    var readyReplicas: Int { min(reportedReplicas, servingPods.count) }
}

/// Something about the target that the cluster does not have, or has otherwise than the experiment says.
struct TargetError: Error, Sendable, CustomStringConvertible {
    var check: String
    var message: String
    var hint: String?

    var description: String { hint.map { "\(message) (\($0))" } ?? message }
}

/// Looks the target up. Every call asks the cluster anew.
struct TargetResolver: Sendable {
    let client: KubernetesClient
    let target: Experiment.Target

    func resolve() async throws -> ResolvedTarget {
        let workload = try await workload()
        let selector = workload.selector
        let pods = try await client.list(Pod.self, in: .namespace(target.namespace), labels: selector.query).items
        guard let service = try await client.find(Service.self, target.service, in: target.namespace) else {
            throw TargetError(
                check: "service", message: "there is no Service \(target.namespace)/\(target.service)",
                hint: "set spec.target.service to one of 'kubectl -n \(target.namespace) get services'")
        }
        let labels = workload.podLabels
        if let wanted = service.spec.selector, !wanted.allSatisfy({ labels[$0.key] == $0.value }) {
            throw TargetError(
                check: "service",
                message: "Service \(target.service) does not select the pods of \(target.workloadKind)/\(target.workload)",
                hint: "compare its spec.selector with the labels of the workload's pod template")
        }
        return ResolvedTarget(
            namespace: target.namespace, podSelector: selector.query, desiredReplicas: workload.replicas,
            reportedReplicas: workload.readyReplicas, pods: pods, service: service, host: try host(of: service),
            port: try port(of: service))
    }

    private struct Workload {
        var selector: LabelSelector
        var podLabels: [String: String]
        var replicas: Int
        var readyReplicas: Int
    }

    private func workload() async throws -> Workload {
        switch target.workloadKind {
        case .deployment:
            if let found = try await client.find(Deployment.self, target.workload, in: target.namespace) {
                return Workload(
                    selector: found.spec.selector, podLabels: found.spec.template.metadata?.labels ?? [:],
                    replicas: found.spec.replicas ?? 1, readyReplicas: found.status?.readyReplicas ?? 0)
            }
        case .statefulset:
            if let found = try await client.find(StatefulSet.self, target.workload, in: target.namespace) {
                return Workload(
                    selector: found.spec.selector, podLabels: found.spec.template.metadata?.labels ?? [:],
                    replicas: found.spec.replicas ?? 1, readyReplicas: found.status?.readyReplicas ?? 0)
            }
        }
        throw TargetError(
            check: "workload", message: "there is no \(target.workloadKind) \(target.namespace)/\(target.workload)",
            hint: "apply its manifest first, or set spec.target.workload; experiments/targets has examples")
    }

    /// The stable address: the load balancer's where there is one, else the cluster IP, unless the experiment names one of them.
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

    private func port(of service: Service) throws(TargetError) -> Int {
        let ports = service.spec.ports ?? []
        let known = ports.map { $0.name.map { "\($0)=" } ?? "" }
        let listed = zip(known, ports).map { "\($0)\($1.port)" }.joined(separator: ", ")
        if let wanted = target.port {
            if let found = ports.first(where: { $0.name == wanted || "\($0.port)" == wanted }) { return found.port }
            throw TargetError(check: "service", message: "Service \(target.service) has no port '\(wanted)'", hint: "it has \(listed)")
        }
        if ports.count == 1 { return ports[0].port }
        if let usual = ports.first(where: { $0.port == 1433 }) { return usual.port }
        throw TargetError(
            check: "service", message: "Service \(target.service) has \(ports.count) ports, none of them 1433",
            hint: "set spec.target.port to one of \(listed)")
    }
}
