import Foundation
import JSON
import SandboxStore
import Testing

@testable import SandboxAPI

private let publishedSchemas = ProcessInfo.processInfo.environment["AFTERSHOCK_OPENAPI"]

/// Holds the sandbox's table of fields against the OpenAPI document of a real API server, whose path is in `AFTERSHOCK_OPENAPI`
/// (`kubectl get --raw /openapi/v2`; https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v2).
///
/// The server is older than the table, which therefore may have more fields than the document.
@Suite(.enabled(if: publishedSchemas != nil, "AFTERSHOCK_OPENAPI is not set"))
struct PublishedSchemaTests {
    /// Fields that later versions of Kubernetes do not have any more.
    private static let removed: Set = ["clusterName", "topologyKeys"]

    /// Places whose list became one that is merged by key.
    private static let changed = ["ephemeralContainers[].ports"]

    @Test func fieldsAndMergeKeysAreThoseOfKubernetes() throws {
        let file = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: try #require(publishedSchemas))))
        let definitions = try #require(file["definitions"]?.object)
        var byKind: [String: JSONValue] = [:]
        for definition in definitions.values {
            for kind in definition["x-kubernetes-group-version-kind"]?.array ?? [] where kind["version"] == "v1" {
                byKind["\(kind["group"]?.string ?? "")/\(kind["kind"]?.string ?? "")"] = definition
            }
        }
        var compared = 0
        for resource in ResourceRegistry.kubernetes.definitions {
            guard let schema = FieldSchema.of(resource.type), let published = byKind["\(resource.type.group)/\(resource.kind)"] else {
                continue
            }
            let differences = Self.differences(schema, published, definitions, at: resource.kind)
            #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
            compared += 1
        }
        #expect(compared >= 15)
    }

    private static func differences(
        _ schema: FieldSchema, _ published: JSONValue, _ definitions: [String: JSONValue], at place: String
    ) -> [String] {
        let reference = published["$ref"]?.string?.split(separator: "/").last.map(String.init)
        let type = reference.flatMap { definitions[$0] } ?? published
        let strategies = published["x-kubernetes-patch-strategy"]?.string?.split(separator: ",") ?? []
        switch schema {
        case .value, .map: return []
        case .object(let members, let retainKeys):
            let keeps = strategies.contains("retainKeys")
            return (keeps == retainKeys ? [] : ["\(place): retainKeys is \(keeps) in Kubernetes"])
                + (type["properties"]?.object ?? [:]).sorted { $0.key < $1.key }.flatMap { name, member in
                    let inner = "\(place).\(name)"
                    return members[name].map { differences($0, member, definitions, at: inner) }
                        ?? (removed.contains(name) ? [] : ["\(inner): only Kubernetes has it"])
                }
        case .list(let element, let merge):
            guard !changed.contains(where: place.hasSuffix) else { return [] }
            let key = published["x-kubernetes-patch-merge-key"]?.string
            let expected: FieldSchema.Merge = !strategies.contains("merge") ? .atomic : key.map { .byKey($0) } ?? .set
            // The strategy of a list says as well how its elements are merged.
            var items = type["items"] ?? [:]
            items["x-kubernetes-patch-strategy"] = .string(strategies.filter { $0 == "retainKeys" }.joined())
            return (merge == expected ? [] : ["\(place): \(merge), and in Kubernetes \(expected)"])
                + differences(element, items, definitions, at: place + "[]")
        }
    }
}
