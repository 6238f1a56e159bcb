import Foundation
import JSON
import NIOCore
import SandboxStore

/// The query parameters of list and watch (meta/v1 `ListOptions`).
struct ListOptions: Sendable {
    enum Version: Sendable, Equatable {
        /// Unset: the present.
        case newest
        /// `0`: whatever is at hand; here the present too.
        case any
        case at(Int64)
    }

    let filter: ObjectFilter
    let version: Version
    let isExact: Bool
    let limit: Int?
    let next: ContinueToken?
    let sendsInitialEvents: Bool
    let allowsBookmarks: Bool
    let timeoutSeconds: Int64?

    init(_ call: ResourceCall) throws(APIError) {
        let query = call.request.query
        var filter = ObjectFilter(namespace: call.path.namespace)
        if let text = query["labelSelector"], !text.isEmpty { filter.labels = try LabelSelector(parsing: text) }
        if let text = query["fieldSelector"], !text.isEmpty {
            filter.fields = try FieldSelector(parsing: text, for: call.definition.type)
        } else if let name = call.path.name {
            filter.fields = FieldSelector(name: name)
        }
        self.filter = filter
        version =
            switch query["resourceVersion"] {
            case nil, "": .newest
            case "0": .any
            case let text?: .at(try Self.number(text))
            }
        let match = query["resourceVersionMatch"]
        guard [nil, "Exact", "NotOlderThan"].contains(match) else {
            throw APIError(422, "Invalid", "resourceVersionMatch: Unsupported value: \"\(match ?? "")\"")
        }
        isExact = match == "Exact"
        limit = try query.integer("limit").flatMap { $0 > 0 ? Int(min($0, Int64(Int32.max))) : nil }
        next = try query["continue"].flatMap { text throws(APIError) in text.isEmpty ? nil : try ContinueToken(text) }
        sendsInitialEvents = query.flag("sendInitialEvents")
        allowsBookmarks = query.flag("allowWatchBookmarks")
        timeoutSeconds = try query.integer("timeoutSeconds")
        if sendsInitialEvents, match != "NotOlderThan" {
            throw APIError(
                422, "Invalid", "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
    }

    private static func number(_ text: String) throws(APIError) -> Int64 {
        guard let number = Int64(text), number >= 0 else {
            throw .badRequest("Invalid value: \"\(text)\": resourceVersion must be a whole number")
        }
        return number
    }
}

/// Where a list that came in chunks goes on: the version of its first chunk and the last object delivered.
struct ContinueToken: Sendable, Equatable {
    let revision: Int64
    let namespace: String
    let name: String

    init(revision: Int64, after object: JSONValue) {
        self.revision = revision
        namespace = object.namespace
        name = object.name
    }

    init(_ text: String) throws(APIError) {
        guard let data = Data(base64Encoded: text), let value = try? JSONValue(parsing: data), let revision = value["rv"]?.integer,
            let namespace = value["namespace"]?.string, let name = value["name"]?.string
        else { throw .badRequest("continue key is not valid: use the one from the list's metadata, unchanged") }
        self.revision = revision
        self.namespace = namespace
        self.name = name
    }

    /// The opaque text form.
    var text: String {
        let value: JSONValue = ["rv": .integer(revision), "namespace": .string(namespace), "name": .string(name)]
        return Data(JSONLine.bytes(value).readableBytesView).base64EncodedString()
    }

    func precedes(_ object: JSONValue) -> Bool { (namespace, name) < (object.namespace, object.name) }
}
