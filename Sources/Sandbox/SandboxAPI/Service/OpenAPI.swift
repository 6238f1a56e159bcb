import JSON
import NIOCore
import SandboxStore

/// Just enough of the OpenAPI documents: which resources the server itself checks for unknown fields, and which fields there are.
///
/// With the first, `kubectl apply` leaves validation to the server (`fieldValidation`); the second is for `kubectl explain`.
enum OpenAPI {
    static func respond(to path: ArraySlice<String>, _ registry: ResourceRegistry) throws(APIError) -> APIResponse {
        switch path.first {
        case "v2" where path.count == 1:
            return APIResponse(
                status: 200, contentType: "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", body: .bytes(documentV2))
        case "v3" where path.count == 1: return .json(["paths": .object(groupPaths(registry))])
        case "v3":
            let rest = path.dropFirst()
            let definitions = registry.definitions.filter { Self.path(of: $0) == rest.joined(separator: "/") }
            guard !definitions.isEmpty else { throw APIError(404, "NotFound", "the server could not find the requested resource") }
            return .json(documentV3(definitions))
        default: throw APIError(404, "NotFound", "the server could not find the requested resource")
        }
    }

    private static func path(of definition: ResourceDefinition) -> String {
        definition.type.group.isEmpty ? "api/v1" : "apis/\(definition.type.group)/\(definition.version)"
    }

    private static func groupPaths(_ registry: ResourceRegistry) -> [String: JSONValue] {
        let paths = registry.definitions.map { path(of: $0) }
        return Dictionary(
            paths.map { ($0, ["serverRelativeURL": .string("/openapi/v3/\($0)")]) }, uniquingKeysWith: { first, _ in first })
    }

    private static func documentV3(_ definitions: [ResourceDefinition]) -> JSONValue {
        let paths = definitions.map { definition -> (String, JSONValue) in
            let scope = definition.isNamespaced ? "/namespaces/{namespace}" : ""
            let place = "/\(path(of: definition))\(scope)/\(definition.type.resource)/{name}"
            let operation: JSONValue = [
                "x-kubernetes-group-version-kind": [
                    "group": .string(definition.type.group), "version": .string(definition.version), "kind": .string(definition.kind),
                ],
                "parameters": [["name": "fieldValidation", "in": "query", "schema": ["type": "string"]]],
                "responses": ["200": ["description": "OK"]],
            ]
            return (place, ["patch": operation])
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": .string(APIService.version)],
            "paths": .object(Dictionary(paths, uniquingKeysWith: { first, _ in first })),
            "components": ["schemas": .object(schemas(definitions))],
        ]
    }

    private static func schemas(_ definitions: [ResourceDefinition]) -> [String: JSONValue] {
        let pairs = definitions.compactMap { definition -> (String, JSONValue)? in
            guard let fields = FieldSchema.of(definition.type) else { return nil }
            var schema = document(fields)
            schema["description"] = "Fields by name; their meaning: https://kubernetes.io/docs/reference/kubernetes-api/"
            schema["x-kubernetes-group-version-kind"] = [
                [
                    "group": .string(definition.type.group), "version": .string(definition.version), "kind": .string(definition.kind),
                ]
            ]
            return (definition.kind, schema)
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    private static func document(_ fields: FieldSchema) -> JSONValue {
        switch fields {
        // Types are not known here; an empty schema would end kubectl explain in an error of its template.
        case .value: ["type": "any"]
        case .map: ["type": "object", "additionalProperties": ["type": "string"]]
        case .list(let element, _): ["type": "array", "items": document(element)]
        case .object(let members, _): ["type": "object", "properties": .object(members.mapValues(document))]
        }
    }

    /// The gnostic `openapi.v2.Document` with no paths: swagger (1), info (2: title 1, version 2) and paths (8).
    private static let documentV2: ByteBuffer = {
        func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(content.count)] + content }
        let info = field(1, Array("Kubernetes".utf8)) + field(2, Array(APIService.version.utf8))
        return ByteBuffer(bytes: field(1, Array("2.0".utf8)) + field(2, info) + field(8, []))
    }()
}
