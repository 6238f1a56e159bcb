import Foundation
public import JSON

extension KubernetesClient {
    private static let listLimit = 256 << 20

    /// Reads one object. `namespace` defaults to the configuration's.
    public func get<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ name: String, in namespace: String? = nil
    ) async throws(KubernetesError) -> Resource {
        try await value(KubernetesRequest(path: path(type, namespace, name)))
    }

    /// Reads one object; returns `nil` if it does not exist.
    public func find<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ name: String, in namespace: String? = nil
    ) async throws(KubernetesError) -> Resource? {
        do throws(KubernetesError) {
            return try await get(type, name, in: namespace)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Lists all matching objects, page by page, at one resource version.
    ///
    /// When the server has dropped that version in the middle of it (410), the list starts again. The objects that are kept have at most
    /// 256 MiB, as much as 25,000 pods have, and all pages take at most as long as ten requests may.
    ///
    /// - Parameters:
    ///   - labels: a label selector in kubectl's form.
    ///   - fields: a field selector; pods know `spec.nodeName`, `metadata.name`, `status.phase`, events `involvedObject.*`.
    ///   - isMeant: selects the objects to keep, if no selector can. The others need no memory.
    public func list<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, in scope: NamespaceScope = .current, labels: String? = nil, fields: String? = nil,
        pageSize: Int = 500, where isMeant: (Resource) -> Bool = { _ in true }
    ) async throws(KubernetesError) -> ResourceList<Resource> {
        var request = try await collection(type, scope, labels: labels, fields: fields)
        request.query.append(("limit", "\(pageSize)"))
        var items: [Resource] = []
        var token: String?
        var restarts = 0
        var size = 0
        let end = ContinuousClock.now + min(requestTimeout, .seconds(3600)) * 10
        while true {
            var page = request
            guard size <= Self.listLimit, end > .now else {
                let (problem, hint) =
                    size > Self.listLimit
                    ? ("is larger than \(Self.listLimit >> 20) MiB", "Name a namespace.")
                    : ("does not come to its end", "Raise --request-timeout, of which a list may take ten, or name a namespace.")
                throw KubernetesError(
                    .unexpectedAnswer, "\(configuration.server): the list \(problem)", hint: hint, request: request.description)
            }
            if let token { page.query.append(("continue", token)) }
            do throws(KubernetesError) {
                let bytes = try await data(page)
                let answer: ResourcePage<Resource> = try decode(bytes, of: page)
                let all = answer.items ?? []
                let meant = all.filter(isMeant)
                items += meant
                size += meant.count == all.count ? bytes.count : bytes.count / all.count * meant.count
                guard let next = answer.metadata.continue, !next.isEmpty else {
                    return ResourceList(items: items, resourceVersion: answer.metadata.resourceVersion ?? "")
                }
                token = next
            } catch  where error.code == .gone && token != nil && restarts < 3 {
                items = []
                token = nil
                restarts += 1
            }
        }
    }

    /// Creates an object from a manifest, which may have fields that `Resource` does not.
    public func create<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ manifest: JSONValue, in namespace: String? = nil, dryRun: Bool = false
    ) async throws(KubernetesError) -> Resource {
        let version = try await servedVersion(of: type)
        var manifest = manifest
        manifest["apiVersion"] = .string(Resource.apiVersion(version))
        manifest["kind"] = .string(Resource.kind)
        var request = KubernetesRequest(
            method: .post, path: KubernetesRequest.path(type, version: version, namespace: namespace ?? self.namespace), body: manifest)
        if dryRun { request.query.append(("dryRun", "All")) }
        return try await value(request)
    }

    /// Changes an object, or one of its subresources (`status`, `scale`), and returns its new state.
    @discardableResult
    public func patch<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ name: String, in namespace: String? = nil, subresource: String? = nil, _ patch: Patch,
        dryRun: Bool = false
    ) async throws(KubernetesError) -> Resource {
        var request = KubernetesRequest(method: .patch, path: try await path(type, namespace, name, subresource), body: patch.body)
        request.contentType = patch.contentType
        if dryRun { request.query.append(("dryRun", "All")) }
        return try await value(request)
    }

    /// Deletes an object. With a graceful deletion it still exists afterwards, with a deletion timestamp.
    ///
    /// - Returns: the object in the server's answer; `nil` if the answer is only a Status.
    @discardableResult
    public func delete<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ name: String, in namespace: String? = nil, options: DeleteOptions = DeleteOptions()
    ) async throws(KubernetesError) -> Resource? {
        let request = KubernetesRequest(method: .delete, path: try await path(type, namespace, name), body: options.body)
        let answer = try await value(request, as: JSONValue.self)
        guard answer["kind"]?.string != "Status" else { return nil }
        return try decode(encode(answer, request), of: request)
    }

    /// Requests a pod's eviction, which respects disruption budgets.
    ///
    /// - Throws: ``KubernetesError`` with `tooManyRequests` when a budget forbids it now
    ///   (cause `DisruptionBudget`; it names no time to wait), `notFound` when the pod is gone.
    public func evict(pod name: String, in namespace: String? = nil, options: DeleteOptions = DeleteOptions()) async throws(KubernetesError)
    {
        let namespace = namespace ?? self.namespace
        let version = try await evictionVersion()
        let body: JSONValue = [
            "apiVersion": .string("policy/\(version)"), "kind": "Eviction",
            "metadata": ["name": .string(name), "namespace": .string(namespace)], "deleteOptions": options.body,
        ]
        let path = KubernetesRequest.path(Pod.self, version: "v1", namespace: namespace, name: name, subresource: "eviction")
        _ = try await data(KubernetesRequest(method: .post, path: path, body: body))
    }

    /// Returns the current user's permissions, from the server.
    public func review(_ attributes: ResourceAttributes) async throws(KubernetesError) -> SelfSubjectAccessReview.ReviewStatus {
        let request = KubernetesRequest(
            method: .post, path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            body: [
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
                "spec": ["resourceAttributes": try json(attributes)],
            ])
        let review = try await value(request, as: SelfSubjectAccessReview.self)
        guard let status = review.status else {
            throw KubernetesError(.unexpectedAnswer, "the access review has no status", request: request.description)
        }
        return status
    }

    /// Returns a container's standard output and error.
    public func logs(pod name: String, in namespace: String? = nil, _ options: LogOptions = LogOptions()) async throws(KubernetesError)
        -> String
    {
        var request = KubernetesRequest(
            path: KubernetesRequest.path(Pod.self, version: "v1", namespace: namespace ?? self.namespace, name: name, subresource: "log"))
        request.query = options.query
        request.accept = "*/*"
        return String(decoding: try await data(request), as: UTF8.self)
    }

    // MARK: Helpers

    func path<Resource: KubernetesResource>(
        _ type: Resource.Type, _ namespace: String?, _ name: String, _ subresource: String? = nil
    ) async throws(KubernetesError) -> String {
        KubernetesRequest.path(
            type, version: try await servedVersion(of: type), namespace: namespace ?? self.namespace, name: name, subresource: subresource)
    }

    func collection<Resource: KubernetesResource>(
        _ type: Resource.Type, _ scope: NamespaceScope, labels: String?, fields: String?
    ) async throws(KubernetesError) -> KubernetesRequest {
        var request = KubernetesRequest(
            path: KubernetesRequest.path(type, version: try await servedVersion(of: type), namespace: namespace(of: scope)))
        if let labels, !labels.isEmpty { request.query.append(("labelSelector", labels)) }
        if let fields, !fields.isEmpty { request.query.append(("fieldSelector", fields)) }
        return request
    }

    private func json(_ value: some Encodable) throws(KubernetesError) -> JSONValue {
        do {
            return try JSONValue(encoding: value)
        } catch {
            throw KubernetesError(.badRequest, "the request cannot be encoded")
        }
    }

    private func encode(_ value: JSONValue, _ request: KubernetesRequest) throws(KubernetesError) -> Data {
        do {
            return try value.data()
        } catch {
            throw KubernetesError(.unexpectedAnswer, "the answer cannot be read again", request: request.description)
        }
    }
}
