import JSON
import Kubernetes
import Testing

/// The objects of a cluster, without the parts that change by themselves: versions, times, and the names of replaced pods.
///
/// Two states are equal when nothing that a harness changes, or makes, is left of it.
struct ClusterState: Equatable {
    private(set) var objects: [String: JSONValue] = [:]

    static func of(_ cluster: TestCluster) async throws -> ClusterState {
        var state = ClusterState()
        for node in try await cluster.client.list(Whole<Node>.self, in: .all).items {
            state.add("node/\(node.metadata.name)", node)
        }
        for pod in try await cluster.client.list(Whole<Pod>.self, in: .all).items {
            // A pod that replaces another is its equal, but for its name and its place.
            var pod = pod
            let owner = pod.metadata.controller?.name
            if owner != nil {
                pod.content["metadata"]?["name"] = nil
                pod.content["spec"]?["nodeName"] = nil
                pod.content = pod.content.withoutTokenVolumes
            }
            state.add("pod/\(pod.metadata.namespace ?? "")/\(owner ?? pod.metadata.name)", pod)
        }
        try await state.addAll(Deployment.self, cluster)
        try await state.addAll(ReplicaSet.self, cluster)
        try await state.addAll(Service.self, cluster)
        try await state.addAll(Secret.self, cluster)
        try await state.addAll(PersistentVolumeClaim.self, cluster)
        try await state.addAll(PodDisruptionBudget.self, cluster)
        // The nodes' own leases change all the time.
        for lease in try await cluster.client.list(Whole<Lease>.self, in: .namespace(TestCluster.namespace)).items {
            state.add("lease/\(lease.metadata.name)", lease)
        }
        return state
    }

    private mutating func addAll<Resource: KubernetesResource>(_ type: Resource.Type, _ cluster: TestCluster) async throws {
        for object in try await cluster.client.list(Whole<Resource>.self, in: .namespace(TestCluster.namespace)).items {
            add("\(Resource.plural)/\(object.metadata.name)", object)
        }
    }

    private mutating func add<Resource: KubernetesResource>(_ name: String, _ object: Whole<Resource>) {
        var content = object.content
        content["status"] = nil
        for field in ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"] { content["metadata"]?[field] = nil }
        // To the API an empty map is no map.
        if content["metadata"]?["annotations"] == [:] { content["metadata"]?["annotations"] = nil }
        var key = name
        while objects[key] != nil { key += "'" }
        objects[key] = content
    }

    /// The objects that are not the same, for a failed expectation.
    func difference(from other: ClusterState) -> [String] {
        Set(objects.keys).union(other.objects.keys).sorted().filter { objects[$0] != other.objects[$0] }.map { name in
            "\(name): \(other.objects[name].map { "\($0)" } ?? "absent") became \(objects[name].map { "\($0)" } ?? "absent")"
        }
    }
}

extension TestCluster {
    /// Waits for the target to be ready again. Then nothing may be left of a run, neither in the cluster nor in the server and its processes.
    func expectUnchanged(since before: ClusterState, _ place: Comment) async throws {
        try await settle()
        let changed = try await ClusterState.of(self).difference(from: before)
        #expect(changed.isEmpty, "\(place): \(changed.joined(separator: "; "))")
        #expect(try await frozenProcesses() == 0, place)
        #expect(try await ledgerTables() == [], place)
    }
}

extension JSONValue {
    /// The value without the volumes of ServiceAccount tokens, and their mounts: each pod has its own name for them.
    fileprivate var withoutTokenVolumes: JSONValue {
        func isToken(_ value: JSONValue) -> Bool { value["name"]?.string?.hasPrefix("kube-api-access-") == true }
        return switch self {
        case .array(let values): .array(values.filter { !isToken($0) }.map(\.withoutTokenVolumes))
        case .object(let members): .object(members.mapValues(\.withoutTokenVolumes))
        default: self
        }
    }
}

/// A resource with all of its fields, the ones that the client does not know too.
private struct Whole<Resource: KubernetesResource>: KubernetesResource {
    static var group: String { Resource.group }
    static var versions: [String] { Resource.versions }
    static var kind: String { Resource.kind }
    static var plural: String { Resource.plural }
    static var isNamespaced: Bool { Resource.isNamespaced }

    var metadata: ObjectMeta
    var content: JSONValue

    private enum Key: CodingKey {
        case metadata
    }

    init(from decoder: any Decoder) throws {
        metadata = try decoder.container(keyedBy: Key.self).decode(ObjectMeta.self, forKey: .metadata)
        content = try JSONValue(from: decoder)
    }

    func encode(to encoder: any Encoder) throws { try content.encode(to: encoder) }
}
