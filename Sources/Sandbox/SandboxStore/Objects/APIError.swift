package import JSON

/// A failed request, as Kubernetes reports it in a `Status` object
/// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
package struct APIError: Error, Sendable, Equatable {
    package struct Cause: Sendable, Equatable {
        package var reason: String
        package var message: String
        package var field: String?

        package init(reason: String, message: String, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    /// The HTTP status code.
    package var code: Int
    /// The machine-readable reason, empty where Kubernetes gives none.
    package var reason: String
    package var message: String
    package var group: String?
    package var kind: String?
    package var name: String?
    package var uid: String?
    package var causes: [Cause] = []
    package var retryAfterSeconds: Int?

    package init(_ code: Int, _ reason: String, _ message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }
}

extension APIError {
    package static func notFound(_ type: ResourceType, _ name: String) -> APIError {
        APIError(404, "NotFound", "\(type) \"\(name)\" not found").about(type, name)
    }

    static func alreadyExists(_ type: ResourceType, _ name: String) -> APIError {
        APIError(409, "AlreadyExists", "\(type) \"\(name)\" already exists").about(type, name)
    }

    static func conflict(_ type: ResourceType, _ name: String, _ why: String) -> APIError {
        APIError(409, "Conflict", "Operation cannot be fulfilled on \(type) \"\(name)\": \(why)").about(type, name)
    }

    package static func forbidden(_ type: ResourceType, _ name: String, _ why: String) -> APIError {
        APIError(403, "Forbidden", "\(type) \"\(name)\" is forbidden: \(why)").about(type, name)
    }

    package static func badRequest(_ message: String) -> APIError { APIError(400, "BadRequest", message) }

    package static func unsupportedMediaType(_ message: String) -> APIError { APIError(415, "UnsupportedMediaType", message) }

    package static func methodNotAllowed() -> APIError {
        APIError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// The event window no longer reaches back to the asked resource version; the client lists again.
    static func expired(_ message: String) -> APIError { APIError(410, "Expired", message) }

    /// A field is wrong: 422 with one cause for each.
    package static func invalid(_ definition: ResourceDefinition, _ name: String, _ causes: [Cause]) -> APIError {
        let texts = causes.map { cause in cause.field.map { "\($0): \(cause.message)" } ?? cause.message }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        let kind = definition.type.group.isEmpty ? definition.kind : "\(definition.kind).\(definition.type.group)"
        var error = APIError(422, "Invalid", "\(kind) \"\(name)\" is invalid: \(list)")
        error.group = definition.type.group
        error.kind = definition.kind
        error.name = name
        error.causes = causes
        return error
    }

    package func about(_ type: ResourceType, _ name: String, uid: String? = nil) -> APIError {
        var copy = self
        copy.group = type.group
        copy.kind = type.resource
        copy.name = name
        copy.uid = uid
        return copy
    }

    /// The `Status` object.
    package var status: JSONValue {
        var details: [String: JSONValue] = [:]
        if let name { details["name"] = .string(name) }
        if let group, !group.isEmpty { details["group"] = .string(group) }
        if let kind { details["kind"] = .string(kind) }
        if let uid { details["uid"] = .string(uid) }
        if let retryAfterSeconds { details["retryAfterSeconds"] = .integer(Int64(retryAfterSeconds)) }
        if !causes.isEmpty {
            details["causes"] = .array(
                causes.map { cause in
                    var value: JSONValue = ["reason": .string(cause.reason), "message": .string(cause.message)]
                    value["field"] = cause.field.map(JSONValue.string)
                    return value
                })
        }
        var status: JSONValue = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "code": .integer(Int64(code)),
        ]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        if !details.isEmpty { status["details"] = .object(details) }
        return status
    }
}
