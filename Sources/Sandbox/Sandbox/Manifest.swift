import JSON
import SandboxStore
import Yams

/// Kubernetes manifests: YAML (or JSON) documents, as `kubectl apply -f` takes them.
enum Manifest {
    /// The objects of a file; lists are taken apart and empty documents skipped.
    /// - Parameter source: the file's name, for messages.
    static func objects(yaml: String, source: String) throws(SandboxError) -> [JSONValue] {
        var objects: [JSONValue] = []
        do {
            var documents = try Yams.compose_all(yaml: yaml)
            while let node = documents.next() {
                var room = ObjectLimits.values * 50
                let value = try json(node, &room, ObjectLimits.depth)
                if value.isNull { continue }
                objects += value.kind == "List" ? value["items"]?.array ?? [] : [value]
            }
            // The sequence ends without a word at what it cannot read.
            if let error = documents.error { throw error }
        } catch let error as APIError {
            throw SandboxError("\(source): \(error.message)")
        } catch {
            throw SandboxError("\(source): \(error)")
        }
        for (index, object) in objects.enumerated() where object.kind.isEmpty || object.apiVersion.isEmpty {
            throw SandboxError("\(source): object \(index + 1) has no kind or no apiVersion")
        }
        return objects
    }

    /// - Parameter room: how many more values there may be; an alias stands for all that it names, which a few lines can multiply endlessly.
    private static func json(_ node: Node, _ room: inout Int, _ depth: Int) throws(APIError) -> JSONValue {
        room -= 1
        guard room > 0 else { throw ObjectLimits.tooLarge }
        guard depth > 0 else { throw .badRequest("values are nested more than \(ObjectLimits.depth) deep") }
        switch node {
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping { members[key.string ?? ""] = try json(value, &room, depth - 1) }
            return .object(members)
        case .sequence(let sequence):
            var elements: [JSONValue] = []
            for element in sequence { elements.append(try json(element, &room, depth - 1)) }
            return .array(elements)
        case .scalar(let scalar):
            switch node.tag.rawValue {
            case Tag.Name.null.rawValue: return .null
            case Tag.Name.bool.rawValue: return Bool.construct(from: scalar).map(JSONValue.bool) ?? .string(scalar.string)
            case Tag.Name.int.rawValue:
                return integer(scalar.string).map(JSONValue.integer) ?? .string(scalar.string)
            case Tag.Name.float.rawValue:
                // JSON has no infinities.
                return Double.construct(from: scalar).flatMap { $0.isFinite ? .double($0) : nil } ?? .string(scalar.string)
            default: return .string(scalar.string)
            }
        case .alias: return .null
        }
    }

    /// A whole number as kubectl's YAML reader takes it: decimal, `0x`, `0o`, `0b`, and octal with a leading zero, as in file modes.
    private static func integer(_ text: String) -> Int64? {
        let digits = text.replacing("_", with: "")
        if let number = Int64(digits), !digits.drop(while: { $0 == "-" || $0 == "+" }).hasPrefix("0") { return number }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)] where digits.hasPrefix(prefix) && digits != "0" {
            return Int64(digits.dropFirst(prefix.count), radix: radix)
        }
        return Int64(digits)
    }
}
