import Synchronization

/// The server's description of itself.
struct Discovered: Sendable {
    /// Served versions by API group.
    var groups: [String: [String]] = [:]
    var evictionVersion: String?
}

private struct APIGroup: Decodable {
    struct Version: Decodable {
        var version: String
    }

    var versions: [Version]
}

private struct APIResourceList: Decodable {
    struct Resource: Decodable {
        var name: String
        var group: String?
        var version: String?
    }

    var resources: [Resource]
}

extension KubernetesClient {
    /// - Parameter deadline: the timeout of the whole exchange; `nil` for the client's own.
    public func version(within deadline: Duration? = nil) async throws(KubernetesError) -> ServerVersion {
        try await value(KubernetesRequest(path: "/version", timeout: deadline))
    }

    /// Returns the versions of an API group that the server serves; empty if it does not know the group.
    public func servedVersions(ofGroup group: String) async throws(KubernetesError) -> [String] {
        if let known = discovered.withLock({ $0.groups[group] }) { return known }
        do throws(KubernetesError) {
            let versions = try await value(KubernetesRequest(path: "/apis/\(KubernetesRequest.escape(group))"), as: APIGroup.self).versions
                .map(\.version)
            discovered.withLock { $0.groups[group] = versions }
            return versions
        } catch  where error.code == .notFound {
            return []
        }
    }

    /// Returns the preferred version of a resource that both sides know. Needs one request, once, for resources with several versions.
    public func servedVersion<Resource: KubernetesResource>(of type: Resource.Type) async throws(KubernetesError) -> String {
        if Resource.versions.count == 1 { return Resource.versions[0] }
        let served = try await servedVersions(ofGroup: Resource.group)
        guard let version = Resource.versions.first(where: served.contains) else {
            throw KubernetesError(
                .unsupported,
                "\(configuration.server) serves \(Resource.group) in the versions [\(served.joined(separator: ", "))], none of which is "
                    + Resource.versions.joined(separator: " or "))
        }
        return version
    }

    /// Returns the version of `policy` for evictions, from the entry `pods/eviction` of `/api/v1`, as kubectl does.
    /// `policy/v1` evictions came with 1.22; 1.25 dropped `v1beta1`.
    public func evictionVersion() async throws(KubernetesError) -> String {
        if let known = discovered.withLock({ $0.evictionVersion }) { return known }
        let resources = try await value(KubernetesRequest(path: "/api/v1"), as: APIResourceList.self).resources
        guard let eviction = resources.first(where: { $0.name == "pods/eviction" }) else {
            throw KubernetesError(.unsupported, "\(configuration.server) serves no pods/eviction", request: "GET /api/v1")
        }
        let version = eviction.group == "policy" ? eviction.version ?? "v1beta1" : "v1beta1"
        discovered.withLock { $0.evictionVersion = version }
        return version
    }
}
