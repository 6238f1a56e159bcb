import Foundation
import JSON

@testable import Report

/// A JSON Schema as the tests and the generated pages read it.
struct SchemaDocument {
    let root: JSONValue

    init(_ schema: ReportSchema) throws {
        root = try JSONValue(parsing: Data(schema.text.utf8))
    }

    /// A schema without its reference; its own description goes before the definition's.
    func resolved(_ schema: JSONValue) -> JSONValue {
        guard let name = schema["$ref"]?.string?.split(separator: "/").last,
            let definition = root["definitions"]?[String(name)]?.object
        else { return schema }
        let own = schema.object?.filter { $0.key != "$ref" } ?? [:]
        return .object(definition.merging(own) { _, own in own })
    }

    /// The part of the journal's schema that is about one event.
    func event(_ name: String) -> JSONValue? {
        root["allOf"]?.array?.first { $0["if"]?["properties"]?["event"]?["const"]?.string == name }?["then"]
    }

    /// A document with everything that the schema allows.
    ///
    /// - Parameter choice: which one, where there are several: of an enumeration or of alternatives. It counts round and round.
    func sample(_ schema: JSONValue, choice: Int) -> JSONValue {
        let schema = resolved(schema)
        func chosen(_ values: [JSONValue]) -> JSONValue { values[choice % values.count] }
        if let value = schema["const"] { return value }
        if let values = schema["enum"]?.array { return chosen(values.filter { !$0.isNull }) }
        if let values = schema["oneOf"]?.array { return sample(chosen(values), choice: choice) }
        switch schema["type"]?.string ?? schema["type"]?[0]?.string {
        case "string": return "text"
        case "integer": return 1
        case "number": return .double(1.5)
        case "boolean": return true
        case "array": return [sample(schema["items"] ?? [:], choice: choice)]
        case "object":
            var members = (schema["properties"]?.object ?? [:]).mapValues { sample($0, choice: choice) }
            if let every = schema["additionalProperties"] {
                let names = schema["propertyNames"]?["enum"]?.array?.compactMap(\.string) ?? ["name"]
                for name in names { members[name] = sample(every, choice: choice) }
            }
            return .object(members)
        // Anything goes.
        default: return ["anything": 1]
        }
    }

    /// A field of an object, as a page shows it.
    struct Field: Equatable {
        var path: String
        var type: String
        var description: String
    }

    /// The fields of an object and of everything in it.
    func fields(of schema: JSONValue, at path: String = "") -> [Field] {
        let schema = resolved(schema)
        if let alternatives = schema["oneOf"]?.array {
            var found: [Field] = []
            for field in alternatives.flatMap({ fields(of: $0, at: path) }) where !found.contains(where: { $0.path == field.path }) {
                found.append(field)
            }
            return found
        }
        if let items = schema["items"] { return fields(of: items, at: path + "[]") }
        if let every = schema["additionalProperties"] { return fields(of: every, at: path + ".*") }
        return (schema["properties"]?.object ?? [:]).sorted { $0.key < $1.key }.flatMap { name, field in
            let key = path.isEmpty ? name : "\(path).\(name)"
            let field = resolved(field)
            let own = Field(path: key, type: type(of: field), description: field["description"]?.string ?? "")
            return [own] + fields(of: field, at: key)
        }
    }

    private func type(of field: JSONValue) -> String {
        if let values = field["enum"]?.array { return values.map { "`\($0.string ?? "null")`" }.joined(separator: ", ") }
        if let value = field["const"] { return "`\(value.string ?? "\(value.bool == true)")`" }
        let types = field["type"]?.array?.compactMap(\.string) ?? [field["type"]?.string].compactMap(\.self)
        return types.isEmpty ? "any" : types.joined(separator: " or ")
    }
}
