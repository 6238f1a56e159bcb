import JSON
import Yams

/// Kubernetes manifests: YAML (or JSON) documents, as `kubectl apply -f` takes them.
enum Manifest {
    /// The objects of a file; lists are taken apart and empty documents skipped.
    /// - Parameter source: the file's name, for messages.
    static func objects(yaml: String, source: String) throws(SandboxError) -> [JSONValue] {
        var objects: [JSONValue] = []
        do {
            for node in try Yams.compose_all(yaml: yaml) {
                let value = json(node)
                if value.isNull { continue }
                objects += value.kind == "List" ? value["items"]?.array ?? [] : [value]
            }
        } catch {
            throw SandboxError("\(source): \(error)")
        }
        for (index, object) in objects.enumerated() where object.kind.isEmpty || object.apiVersion.isEmpty {
            throw SandboxError("\(source): object \(index + 1) has no kind or no apiVersion")
        }
        return objects
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .mapping(let mapping):
            return .object(
                Dictionary(mapping.map { ($0.key.string ?? "", json($0.value)) }, uniquingKeysWith: { _, last in last }))
        case .sequence(let sequence): return .array(sequence.map(json))
        case .scalar(let scalar):
            switch node.tag.rawValue {
            case Tag.Name.null.rawValue: return .null
            case Tag.Name.bool.rawValue: return Bool.construct(from: scalar).map(JSONValue.bool) ?? .string(scalar.string)
            case Tag.Name.int.rawValue:
                return Int.construct(from: scalar).map { .integer(Int64($0)) } ?? .string(scalar.string)
            case Tag.Name.float.rawValue: return Double.construct(from: scalar).map(JSONValue.double) ?? .string(scalar.string)
            default: return .string(scalar.string)
            }
        case .alias: return .null
        }
    }
}
