import Kubernetes
import KubernetesAPI

/// A pod behind a Service's address, or an address there without a pod.
struct Backend: Sendable, Hashable {
    var addresses: Set<String>
    /// `nil` for an address that was added by hand.
    var pod: String?
    var podUID: String?
    var isReady: Bool
    /// Its EndpointSlice is not written by Kubernetes, which therefore leads the Service to no other pod.
    var isForeign = false

    /// The name for messages.
    var name: String { pod.map { "pod \($0)" } ?? addresses.sorted().joined(separator: ", ") }

    func leads(to pod: Pod) -> Bool {
        if let podUID { return podUID == pod.metadata.uid }
        if let name = self.pod { return name == pod.metadata.name }
        return pod.status?.podIP.map(addresses.contains) ?? false
    }

    /// The backends of one port of a Service, from its slices. A pod of two address families is one backend.
    ///
    /// - Parameter port: the port's name, empty where it has none.
    static func all(_ slices: some Sequence<EndpointSlice>, port: String) -> [Backend] {
        joined(
            slices.filter { $0.ports?.isEmpty ?? true || $0.ports?.contains { ($0.name ?? "") == port } ?? true }
                .flatMap { slice in
                    let isForeign = slice.metadata.labels[LabelKey.sliceManager] != Self.sliceController
                    return (slice.endpoints ?? []).map { endpoint in
                        var backend = Backend(Set(endpoint.addresses), endpoint.targetRef, isReady: endpoint.isReady)
                        backend.isForeign = isForeign
                        return backend
                    }
                })
    }

    /// Keeps the slices of a Service by its selector (Kubernetes: pkg/controller/endpointslice).
    private static let sliceController = "endpointslice-controller.k8s.io"

    static func all(_ endpoints: Endpoints, port: String) -> [Backend] {
        joined(
            (endpoints.subsets ?? []).filter { $0.ports?.isEmpty ?? true || $0.ports?.contains { ($0.name ?? "") == port } ?? true }
                .flatMap { subset in
                    (subset.addresses ?? []).map { Backend([$0.ip], $0.targetRef, isReady: true) }
                        + (subset.notReadyAddresses ?? []).map { Backend([$0.ip], $0.targetRef, isReady: false) }
                })
    }

    init(addresses: Set<String>, pod: String?, podUID: String?, isReady: Bool) {
        self.addresses = addresses
        self.pod = pod
        self.podUID = podUID
        self.isReady = isReady
    }

    private init(_ addresses: Set<String>, _ reference: ObjectReference?, isReady: Bool) {
        let isPod = reference?.kind == Pod.kind
        self.init(addresses: addresses, pod: isPod ? reference?.name : nil, podUID: isPod ? reference?.uid : nil, isReady: isReady)
    }

    private static func joined(_ backends: some Sequence<Backend>) -> [Backend] {
        var found: [Backend] = []
        for backend in backends {
            let same = found.firstIndex { $0.pod == backend.pod && (backend.pod != nil || $0.addresses == backend.addresses) }
            if let same {
                found[same].addresses.formUnion(backend.addresses)
                found[same].isReady = found[same].isReady || backend.isReady
                found[same].isForeign = found[same].isForeign && backend.isForeign
            } else {
                found.append(backend)
            }
        }
        return found.sorted { $0.name < $1.name }
    }
}
