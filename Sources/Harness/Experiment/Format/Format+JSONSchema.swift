public import JSON

extension ExperimentFile {
    /// The JSON Schema (draft-07) of an experiment's document, for editors.
    ///
    /// It is derived from the description that ``parse(_:file:faults:)`` validates with.
    public static func jsonSchema(faults: FaultFormats) -> JSONValue {
        Format.object(Format.document(faults)).schemaForEditors(title: "Aftershock experiment")
    }
}

extension Format {
    /// The JSON Schema (draft-07) of a whole document.
    public func schemaForEditors(title: String) -> JSONValue {
        var schema = jsonSchema
        schema["$schema"] = "http://json-schema.org/draft-07/schema#"
        schema["title"] = .string(title)
        return schema
    }

    fileprivate var jsonSchema: JSONValue {
        switch self {
        case .string(let pattern, _):
            var schema: JSONValue = ["type": "string", "minLength": 1]
            if let pattern { schema["pattern"] = .string(pattern) }
            return schema
        case .choice(let choices):
            return ["type": "string", "enum": .array(choices.map(JSONValue.string))]
        case .duration:
            return ["type": "string", "pattern": .string(Duration.gep2257Pattern), "examples": ["90s", "1m30s", "250ms"]]
        case .integer(let range):
            return ["type": "integer", "minimum": .integer(Int64(range.lowerBound)), "maximum": .integer(Int64(range.upperBound))]
        case .integerOrString:
            return ["type": ["integer", "string"]]
        case .boolean:
            return ["type": "boolean"]
        case .stringMap:
            return ["type": "object", "additionalProperties": ["type": "string"]]
        case .strings:
            return ["type": "array", "items": ["type": "string"], "minItems": 1]
        case .objects(let fields):
            return ["type": "array", "items": Format.object(fields).jsonSchema, "minItems": 1]
        case .object(let fields):
            var schema = objectSchema(fields)
            let required = fields.filter(\.required).map { JSONValue.string($0.name) }
            if !required.isEmpty { schema["required"] = .array(required) }
            return schema
        case .oneOf(let fields):
            var schema = objectSchema(fields)
            schema["minProperties"] = 1
            schema["maxProperties"] = 1
            return schema
        case .anyOne:
            return ["type": "object", "minProperties": 1, "maxProperties": 1]
        }
    }

    private func objectSchema(_ fields: [Field]) -> JSONValue {
        var properties: [String: JSONValue] = [:]
        for field in fields {
            var schema = field.format.jsonSchema
            schema["description"] = .string(field.summary)
            if let fallback = field.fallback?.jsonDefault { schema["default"] = fallback }
            properties[field.name] = schema
        }
        return ["type": "object", "additionalProperties": false, "properties": .object(properties)]
    }
}

extension FormatValue.Content {
    /// A default in the file's form; `nil` for an object, whose fields have their own defaults.
    fileprivate var jsonDefault: JSONValue? {
        if case .object = self { nil } else { json }
    }

    /// The value in the file's form.
    public var json: JSONValue {
        switch self {
        case .string(let value): .string(value)
        case .duration(let value): .string(value.gep2257)
        case .integer(let value): .integer(Int64(value))
        case .boolean(let value): .bool(value)
        case .strings(let value): .array(value.map(JSONValue.string))
        case .stringMap(let value): .object(value.mapValues(JSONValue.string))
        case .object(let fields): .object(fields.mapValues(\.content.json))
        case .objects(let values): .array(values.map(\.content.json))
        }
    }
}
