import Experiment
import Journal
import Kubernetes
import Probe

extension ResolvedTarget {
    /// The pod's port that the Service's port leads to; `nil` if no port there has its name.
    var podPort: Int? {
        switch targetPort {
        case .int(let number): number
        case .string(let name):
            Int(name) ?? servingPods.first?.spec.containers.lazy.flatMap { $0.ports ?? [] }.first { $0.name == name }?.containerPort
        }
    }

    /// The places beside the judged address that the experiment asks for, as far as they exist.
    func places(_ views: Experiment.Probes.Views, _ podAddress: PodAddress) -> [VantageRunner.Place] {
        var places: [VantageRunner.Place] = []
        let clusterIP = service.spec.clusterIP.flatMap { $0.isEmpty || $0 == "None" ? nil : $0 }
        if views.pod, let podPort { places.append(VantageRunner.Place(.pod, port: podPort) { podAddress.current }) }
        if views.clusterIP, let clusterIP, clusterIP != host { places.append(VantageRunner.Place(.clusterIP, port: port) { clusterIP }) }
        if views.dns {
            let ingress = service.status?.loadBalancer?.ingress?.compactMap(\.ip) ?? []
            let name = views.dnsName ?? "\(service.metadata.name).\(namespace).svc"
            places.append(VantageRunner.Place(.dns, port: port, expected: Set(ingress + [clusterIP, host].compactMap { $0 })) { name })
        }
        return places
    }
}
