package import JSON
import NIOCore
package import SandboxStore

extension ObjectStore {
    /// Creates an object or changes the present one, as `kubectl apply` would.
    package func apply(_ object: JSONValue) throws(APIError) {
        guard let definition = registry.definition(apiVersion: object.apiVersion, kind: object.kind) else {
            throw APIError(404, "NotFound", "the sandbox has no resource \(object.kind) in \(object.apiVersion)")
        }
        let unknown = FieldSchema.of(definition.type)?.unknownFields(of: object) ?? []
        guard unknown.isEmpty else {
            throw .badRequest("unknown field\(unknown.count == 1 ? "" : "s") \(unknown.joined(separator: ", "))")
        }
        let namespace = object.namespace.isEmpty ? "default" : object.namespace
        // With this annotation kubectl apply can go on from here, as from an apply of its own.
        var configuration = object
        configuration.fill("metadata", "annotations", with: [:])
        var object = object
        object[path: "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"] =
            .string(String(buffer: JSONLine.bytes(configuration)))
        let applied = object
        let key = definition.key(namespace: namespace, name: object.name)
        _ = try transaction { state throws(APIError) in
            guard let present = state[key] else {
                return try state.create(definition.type, applied, namespace: definition.isNamespaced ? namespace : "")
            }
            return try state.update(key, to: try StrategicMergePatch.apply(applied, to: present, FieldSchema.of(definition.type)))
        }
    }
}
