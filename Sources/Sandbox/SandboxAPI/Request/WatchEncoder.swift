import Foundation
import JSON
import NIOCore
import SandboxStore

/// The lines of a watch's body: `{"type": ..., "object": ...}`.
struct WatchEncoder: Sendable {
    let call: ResourceCall
    let now: @Sendable () -> Date
    /// Is `true` when the first bookmark says that the initial events are over.
    var marksInitialEnd: Bool
    private var hasSentColumns = false

    init(call: ResourceCall, now: @escaping @Sendable () -> Date, marksInitialEnd: Bool) {
        self.call = call
        self.now = now
        self.marksInitialEnd = marksInitialEnd
    }

    mutating func line(_ event: WatchEvent) -> ByteBuffer {
        let object = event.kind == .bookmark ? bookmark(event.revision) : presented(event.object)
        return JSONLine.bytes(["type": .string(event.kind.rawValue), "object": object])
    }

    func line(_ error: APIError) -> ByteBuffer { JSONLine.bytes(["type": "ERROR", "object": error.status]) }

    private mutating func presented(_ object: JSONValue) -> JSONValue {
        guard call.form == .table else { return call.presented(object, at: now()) }
        var table = call.presented(object, at: now())
        // Only the first event's table has column definitions, as the API server does it.
        if hasSentColumns { table["columnDefinitions"] = nil }
        hasSentColumns = true
        return table
    }

    private mutating func bookmark(_ revision: Int64) -> JSONValue {
        var object: JSONValue = [
            "kind": .string(call.form == .table ? "Table" : call.definition.kind),
            "apiVersion": .string(call.form == .table ? "meta.k8s.io/v1" : call.definition.apiVersion),
            "metadata": ["resourceVersion": .string(String(revision)), "creationTimestamp": nil],
        ]
        if call.form == .table { object["rows"] = [] }
        if marksInitialEnd {
            marksInitialEnd = false
            object[path: "metadata", "annotations", "k8s.io/initial-events-end"] = "true"
        }
        return object
    }
}

/// Lists of objects.
enum ListForm {
    static func list(_ definition: ResourceDefinition, _ objects: [JSONValue], _ metadata: JSONValue) -> JSONValue {
        list(kind: definition.kind, apiVersion: definition.apiVersion, objects, metadata)
    }

    static func list(kind: String, apiVersion: String, _ objects: [JSONValue], _ metadata: JSONValue) -> JSONValue {
        let items = objects.map { object in
            var item = object
            // The list names its items' type once.
            item["kind"] = nil
            item["apiVersion"] = nil
            return item
        }
        return ["kind": .string(kind + "List"), "apiVersion": .string(apiVersion), "metadata": metadata, "items": .array(items)]
    }

    static func partialMetadata(_ objects: [JSONValue], _ metadata: JSONValue) -> JSONValue {
        [
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "items": .array(objects.map(TableForm.partialMetadata)),
        ]
    }
}

/// The two forms of an event: core/v1 (stored) and events.k8s.io/v1.
enum EventForm {
    private static let names = [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
        ("reportingComponent", "reportingController"),
    ]

    static func regarding(_ event: JSONValue) -> JSONValue {
        var result = event
        for (core, group) in names {
            result[core] = nil
            result[group] = event[core]
        }
        result["apiVersion"] = "events.k8s.io/v1"
        return result
    }

    static func involving(_ event: JSONValue) -> JSONValue {
        var result = event
        for (core, group) in names {
            result[group] = nil
            result[core] = event[group]
        }
        result["apiVersion"] = "v1"
        return result
    }
}
