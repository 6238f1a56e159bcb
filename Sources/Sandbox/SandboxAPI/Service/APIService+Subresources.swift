import Foundation
package import JSON
import KubernetesAPI
import NIOCore
import NIOHTTP1
package import SandboxStore

/// The paths under one object: status, scale, and the verbs that pods have.
extension APIService {
    func subresource(_ name: String, _ call: ResourceCall) async throws(APIError) -> APIResponse {
        if call.definition.type == .pods, let missing = Self.missing[name] { throw .badRequest(missing) }
        guard let key = call.path.key, call.definition.subresources.contains(where: { $0.name == name }) else {
            throw APIError(404, "NotFound", "the server could not find the requested resource")
        }
        switch (name, call.request.method) {
        case ("status", .GET): return try get(key, call)
        case ("status", .PUT): return try replace(key, call, part: .status)
        case ("status", .PATCH): return try patch(key, call, part: .status)
        case ("scale", .GET): return .json(ScaleForm.scale(of: try store.get(key)))
        case ("scale", .PUT), ("scale", .PATCH): return try scale(key, call)
        case ("binding", .POST): return try bind(key, call)
        case ("eviction", .POST): return try evict(key, call)
        case ("token", .POST): return try createToken(key, call)
        case ("log", .GET): return try await logs(key, call)
        case ("exec", .GET), ("exec", .POST):
            _ = try Self.container(call.request.query["container"], of: try store.get(key))
            throw Self.upgradeRequired(call.request)
        default: throw .methodNotAllowed()
        }
    }

    /// The subresources of pods that the sandbox does without.
    private static let missing = [
        "attach": "the sandbox does not attach to running containers; use kubectl exec or kubectl logs -f",
        "portforward": "the sandbox forwards no ports: its pods listen on this machine's loopback, so connect to status.podIP itself",
        "ephemeralcontainers": "the sandbox has no ephemeral containers; use kubectl exec",
        "proxy": "the sandbox proxies no requests: its pods listen on this machine's loopback, so connect to status.podIP itself",
        "resize": "the sandbox does not resize pods in place; delete the pod and create it anew",
    ]

    /// Exec that arrives here has not been upgraded to WebSocket.
    private static func upgradeRequired(_ request: APIRequest) -> APIError {
        let asked = request.headers["Upgrade"].joined(separator: ", ")
        if asked.lowercased().hasPrefix("spdy") {
            return .badRequest(
                "the sandbox speaks exec over WebSocket only, not \(asked): use kubectl 1.31 or newer, "
                    + "or set KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true with 1.29 and 1.30")
        }
        return .badRequest(
            "Upgrade request required: exec is a WebSocket with the subprotocol \(ExecProtocol.v5.rawValue) or \(ExecProtocol.v4.rawValue)")
    }

    private func scale(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        let scaled = try store.transaction(dryRun: try call.request.query.isDryRun()) { state throws(APIError) in
            let object = try state.get(key)
            let before = ScaleForm.scale(of: object)
            let after = call.request.method == .PUT ? try call.request.json() : try Self.patched(before, by: call.request, nil)
            guard let replicas = after[path: "spec", "replicas"]?.integer ?? (after["spec"]?.object == nil ? nil : 0) else {
                throw .badRequest("a Scale needs spec.replicas, a whole number")
            }
            var new = object
            new[path: "spec", "replicas"] = .integer(replicas)
            // The Scale's version is the object's: a stale one is a conflict.
            new[path: "metadata", "resourceVersion"] = after[path: "metadata", "resourceVersion"]
            return ScaleForm.scale(of: try state.update(key, to: new))
        }
        return .json(scaled)
    }

    private func bind(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        let binding = try call.request.json()
        guard let node = binding[path: "target", "name"]?.string, !node.isEmpty else {
            throw .badRequest("a Binding needs target.name, the node's name")
        }
        _ = try store.transaction(dryRun: try call.request.query.isDryRun()) { state throws(APIError) in
            try state.bind(key, to: node)
        }
        return .success(status: 201)
    }

    private func evict(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        let eviction = try call.request.json()
        guard eviction.kind.isEmpty || eviction.kind == "Eviction", ["", "policy/v1"].contains(eviction.apiVersion) else {
            throw .badRequest(
                "\(eviction.kind) in version \"\(eviction.apiVersion)\" cannot be handled as an Eviction: the sandbox serves policy/v1")
        }
        let (options, isDryRun) = try DeleteOptions.decode(eviction["deleteOptions"] ?? [:], call.request.query)
        _ = try store.transaction(dryRun: isDryRun) { state throws(APIError) in try state.evict(key, options) }
        return .success(status: 201)
    }

    private func logs(_ key: ObjectKey, _ call: ResourceCall) async throws(APIError) -> APIResponse {
        let query = call.request.query
        let pod = try store.get(key)
        let container = try Self.container(query["container"], of: pod)
        var options = LogOptions()
        options.follow = query.flag("follow")
        options.previous = query.flag("previous")
        options.timestamps = query.flag("timestamps")
        options.tailLines = try Self.count(query, "tailLines")
        options.limitBytes = try Self.count(query, "limitBytes")
        options.sinceSeconds = try Self.count(query, "sinceSeconds")
        if let text = query["sinceTime"], !text.isEmpty {
            guard let since = StoreEnvironment.date(text) else { throw .badRequest("sinceTime must be an RFC 3339 time, not \"\(text)\"") }
            options.sinceSeconds = Int(min(max(store.environment.now().timeIntervalSince(since).rounded(.up), 0), Double(Int32.max)))
        }
        let bytes = try await runtime.logs(of: container, options)
        let body: @Sendable (APIResponse.Writer) async throws -> Void = { write in
            try await write(ByteBuffer())
            for try await chunk in bytes { try await write(chunk) }
        }
        return APIResponse(status: 200, contentType: "text/plain", body: .stream(body))
    }

    private static func count(_ query: QueryParameters, _ name: String) throws(APIError) -> Int? {
        guard let number = try query.integer(name) else { return nil }
        guard number >= 0 else { throw APIError(422, "Invalid", "\(name): Invalid value: \(number): must be greater than or equal to 0") }
        return Int(min(number, Int64(Int32.max)))
    }

    /// The container that a request means: the named one, or the only or default one.
    package static func container(_ name: String?, of pod: JSONValue) throws(APIError) -> ContainerReference {
        let names = (pod[path: "spec", "containers"]?.array ?? []).compactMap { $0["name"]?.string }
        let initNames = (pod[path: "spec", "initContainers"]?.array ?? []).compactMap { $0["name"]?.string }
        let chosen: String
        if let name, !name.isEmpty {
            guard (names + initNames).contains(name) else {
                throw .badRequest("container \(name) is not valid for pod \(pod.name)")
            }
            chosen = name
        } else if names.count == 1 {
            chosen = names[0]
        } else {
            throw .badRequest(
                "a container name must be specified for pod \(pod.name), choose one of: [\(names.joined(separator: " "))]"
                    + (initNames.isEmpty ? "" : " or one of the init containers: [\(initNames.joined(separator: " "))]"))
        }
        guard let node = pod[path: "spec", "nodeName"]?.string, !node.isEmpty else {
            throw .badRequest("pod \(pod.name) does not have a host assigned")
        }
        return ContainerReference(namespace: pod.namespace, pod: pod.name, uid: pod.uid, nodeName: node, container: chosen)
    }
}

/// `autoscaling/v1` Scale: the replicas of a workload.
enum ScaleForm {
    static func scale(of object: JSONValue) -> JSONValue {
        var metadata: JSONValue = [:]
        for member in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[member] = object[path: "metadata", member]
        }
        var status: JSONValue = ["replicas": object[path: "status", "replicas"] ?? 0]
        if let selector = object[path: "spec", "selector"], let parsed = try? LabelSelector(object: selector) {
            status["selector"] = .string(parsed.description)
        }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
            "spec": ["replicas": object[path: "spec", "replicas"] ?? 0], "status": status,
        ]
    }
}
