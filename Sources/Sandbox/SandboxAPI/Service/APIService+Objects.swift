import Foundation
import JSON
import NIOCore
import NIOHTTP1
package import SandboxStore

/// One object: get, create, replace, patch, delete.
extension APIService {
    private var now: Date { store.environment.now() }

    package func get(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        .json(call.presented(try store.get(key), at: now))
    }

    package func create(_ call: ResourceCall) throws(APIError) -> APIResponse {
        var object = try body(call)
        let warnings = try checkFields(object, call)
        if call.isEventsGroup { object = EventForm.involving(object) }
        let dryRun = try call.request.query.isDryRun()
        let new = object
        let (created, more) = try store.transaction(dryRun: dryRun) { state throws(APIError) in
            let review = RequestReview(call: call, state: state)
            let created = try state.create(call.definition.type, new, namespace: call.path.namespace ?? "")
            return (created, try review.check(created, old: nil))
        }
        return answer(created, call, status: 201, warnings + more)
    }

    func replace(_ key: ObjectKey, _ call: ResourceCall, part: UpdatePart = .main) throws(APIError) -> APIResponse {
        var object = try body(call)
        let warnings = try checkFields(object, call)
        if call.isEventsGroup { object = EventForm.involving(object) }
        guard object.name == key.name else {
            throw .badRequest("the name of the object (\(object.name)) does not match the name on the URL (\(key.name))")
        }
        let new = object
        let (updated, more) = try store.transaction(dryRun: try call.request.query.isDryRun()) { state throws(APIError) in
            let review = RequestReview(call: call, state: state)
            let old = try state.get(key)
            let updated = try state.update(key, to: new, part: part)
            return (updated, try review.check(updated, old: old))
        }
        return answer(updated, call, status: 200, warnings + more)
    }

    func patch(_ key: ObjectKey, _ call: ResourceCall, part: UpdatePart = .main) throws(APIError) -> APIResponse {
        guard call.request.contentType != "application/apply-patch+yaml" else { throw Self.serverSideApply }
        let (updated, warnings) = try store.transaction(dryRun: try call.request.query.isDryRun()) { state throws(APIError) in
            let old = try state.get(key)
            let new = try Self.patched(old, by: call.request, FieldSchema.of(key.type))
            guard new.name == key.name else { throw .badRequest("a patch may not change metadata.name") }
            let warnings = try checkFields(new, call)
            let review = RequestReview(call: call, state: state)
            let updated = try state.update(key, to: new, part: part)
            return (updated, warnings + (try review.check(updated, old: old)))
        }
        return answer(updated, call, status: 200, warnings)
    }

    private static let serverSideApply = APIError.unsupportedMediaType(
        "the sandbox does not keep field managers, so it refuses server-side apply; use kubectl apply without --server-side")

    /// Applies the request's body in the way that its content type says.
    static func patched(_ object: JSONValue, by request: APIRequest, _ schema: FieldSchema?) throws(APIError) -> JSONValue {
        switch request.contentType {
        case "application/json-patch+json": return try JSONPatch.apply(try request.json(), to: object)
        case "application/merge-patch+json": return MergePatch.apply(try request.json(), to: object)
        case "application/strategic-merge-patch+json": return try StrategicMergePatch.apply(try request.json(), to: object, schema)
        default:
            throw .unsupportedMediaType(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, "
                    + "application/merge-patch+json, application/strategic-merge-patch+json")
        }
    }

    package func delete(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        let (options, isDryRun) = try deleteOptions(call)
        let isIgnored = key.type == .pods && flaws.contains(.deletionIgnored)
        let deletion = try store.transaction(dryRun: isDryRun || isIgnored) { state throws(APIError) in
            try RequestReview(call: call, state: state).checkDeletion(try state.get(key))
            return try state.delete(key, options)
        }
        switch deletion {
        case .pending(let object): return answer(object, call, status: 200, [])
        // The API server answers with the object where deletion is graceful, and otherwise says what is gone.
        case .removed(let object) where key.type == .pods: return answer(object, call, status: 200, [])
        case .removed(let object):
            return .success(details: Self.details(object, key.type))
        }
    }

    func deleteCollection(_ call: ResourceCall) throws(APIError) -> APIResponse {
        let (options, isDryRun) = try deleteOptions(call)
        let filter = try ListOptions(call).filter
        let type = call.definition.type
        guard type != .namespaces, type != .services else { throw .methodNotAllowed() }
        let deleted = try store.transaction(dryRun: isDryRun) { state throws(APIError) in
            var deleted: [JSONValue] = []
            for object in state.list(type, filter) {
                let key = call.definition.key(namespace: object.namespace, name: object.name)
                // An earlier one may have taken this one with it.
                guard let present = state[key] else { continue }
                try RequestReview(call: call, state: state).checkDeletion(present)
                deleted.append(try state.delete(key, options).object)
            }
            return deleted
        }
        return .json(ListForm.list(call.definition, deleted, ["resourceVersion": .string(String(store.revision))]))
    }

    private func deleteOptions(_ call: ResourceCall) throws(APIError) -> (DeleteOptions, isDryRun: Bool) {
        let query = call.request.query
        let body = call.request.body.readableBytes > 0 ? try call.request.json() : [:]
        return try DeleteOptions.decode(body, query)
    }

    static func details(_ object: JSONValue, _ type: ResourceType) -> JSONValue {
        var details: JSONValue = ["name": .string(object.name), "kind": .string(type.resource), "uid": .string(object.uid)]
        if !type.group.isEmpty { details["group"] = .string(type.group) }
        return details
    }

    /// The body as an object of the addressed resource.
    private func body(_ call: ResourceCall) throws(APIError) -> JSONValue {
        let object = try call.request.json()
        guard object.object != nil else { throw .badRequest("the request's body must be a JSON object") }
        let expected = call.isEventsGroup ? "events.k8s.io/v1" : call.definition.apiVersion
        let kind = object.kind.isEmpty ? call.definition.kind : object.kind
        let version = object.apiVersion.isEmpty ? expected : object.apiVersion
        guard kind == call.definition.kind, version == expected else {
            throw .badRequest(
                "\(kind) in version \"\(version)\" cannot be handled as a \(call.definition.kind) of \"\(expected)\": "
                    + "the object's kind and apiVersion do not match the resource on the URL")
        }
        return object
    }

    /// Looks for fields that the type does not have: an error, warnings or nothing, as the `fieldValidation` parameter says.
    private func checkFields(_ object: JSONValue, _ call: ResourceCall) throws(APIError) -> [String] {
        guard !call.isEventsGroup, let schema = FieldSchema.of(call.definition.type) else { return [] }
        let mode = call.request.query["fieldValidation"] ?? "Warn"
        guard mode != "Ignore" else { return [] }
        let problems = schema.unknownFields(of: object).map { "unknown field \"\($0)\"" }
        guard mode == "Strict", !problems.isEmpty else { return problems }
        throw .badRequest(
            "\(call.definition.kind) in version \"\(call.definition.version)\" cannot be handled as a \(call.definition.kind): "
                + "strict decoding error: \(problems.joined(separator: ", "))")
    }

    private func answer(_ object: JSONValue, _ call: ResourceCall, status: Int, _ warnings: [String]) -> APIResponse {
        var response = APIResponse.json(call.presented(object, at: now), status: status)
        for warning in warnings { response.headers.add(name: "Warning", value: "299 - \"\(warning.replacing("\"", with: "\\\""))\"") }
        return response
    }
}

extension DeleteOptions {
    /// Reads `DeleteOptions` from a request's body and query; the body wins.
    static func decode(_ body: JSONValue, _ query: QueryParameters) throws(APIError) -> (DeleteOptions, isDryRun: Bool) {
        var options = DeleteOptions()
        let queriedGrace = try query.integer("gracePeriodSeconds")
        options.gracePeriodSeconds = body["gracePeriodSeconds"]?.integer ?? queriedGrace
        options.preconditions.uid = body[path: "preconditions", "uid"]?.string
        options.preconditions.resourceVersion = body[path: "preconditions", "resourceVersion"]?.string
        let orphans = body["orphanDependents"]?.bool ?? (query["orphanDependents"] != nil ? query.flag("orphanDependents") : nil)
        if let name = body["propagationPolicy"]?.string ?? query["propagationPolicy"] {
            guard let policy = Propagation(rawValue: name) else {
                throw APIError(
                    422, "Invalid",
                    "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"\(name)\": supported values: "
                        + "\"Background\", \"Foreground\", \"Orphan\"")
            }
            options.propagation = policy
        } else if orphans == true {
            options.propagation = .orphan
        }
        let dryRun = body["dryRun"]?.array?.compactMap(\.string) ?? []
        guard dryRun.allSatisfy({ $0 == "All" }) else {
            throw APIError(422, "Invalid", "dryRun: Unsupported value: \(dryRun): supported values: \"All\"")
        }
        let isDryRunQueried = try query.isDryRun()
        return (options, !dryRun.isEmpty || isDryRunQueried)
    }
}
