/// The description of a value in an experiment file. Both the validation and the JSON Schema are made from it.
indirect enum Format: Sendable {
    /// Text; with a pattern, and what the pattern stands for in words.
    case string(pattern: String? = nil, meaning: String? = nil)
    case choice([String])
    case duration(minimum: Duration = .zero)
    case integer(ClosedRange<Int>)
    /// A whole number or text, as a Service's port.
    case integerOrString
    case boolean
    case stringMap
    case strings
    case object([Field])
    /// An object with exactly one of these keys.
    case oneOf([Field])

    struct Field: Sendable {
        var name: String
        var format: Format
        var required: Bool
        /// The value for a file that does not name the field.
        var fallback: FormatValue.Content?
        var summary: String

        static func required(_ name: String, _ format: Format, _ summary: String) -> Field {
            Field(name: name, format: format, required: true, fallback: nil, summary: summary)
        }

        static func optional(_ name: String, _ format: Format, _ summary: String) -> Field {
            Field(name: name, format: format, required: false, fallback: nil, summary: summary)
        }

        static func optional(_ name: String, _ format: Format, _ fallback: FormatValue.Content, _ summary: String) -> Field {
            Field(name: name, format: format, required: false, fallback: fallback, summary: summary)
        }
    }
}

/// A validated value and where it stands. A value that is a default stands where its object does.
struct FormatValue: Sendable {
    enum Content: Sendable {
        case string(String)
        case duration(Duration)
        case integer(Int)
        case boolean(Bool)
        case strings([String])
        case stringMap([String: String])
        case object([String: FormatValue])
    }

    var content: Content
    var position: SourcePosition
}

/// Access to the fields of a validated object. The validation has seen to it that they are there and of their type;
/// anything else is a mistake in the format's description.
extension FormatValue {
    subscript(field: String) -> FormatValue? {
        guard case .object(let fields) = content else { return nil }
        return fields[field]
    }

    func text(_ field: String) -> String? {
        guard case .string(let value)? = self[field]?.content else { return nil }
        return value
    }

    func requiredText(_ field: String) -> String {
        guard let value = text(field) else { preconditionFailure("\(field) is not required by the format") }
        return value
    }

    func duration(_ field: String) -> Duration? {
        guard case .duration(let value)? = self[field]?.content else { return nil }
        return value
    }

    func requiredDuration(_ field: String) -> Duration {
        guard let value = duration(field) else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    func integer(_ field: String) -> Int {
        guard case .integer(let value)? = self[field]?.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    func boolean(_ field: String) -> Bool {
        guard case .boolean(let value)? = self[field]?.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    func strings(_ field: String) -> [String]? {
        guard case .strings(let value)? = self[field]?.content else { return nil }
        return value
    }

    func stringMap(_ field: String) -> [String: String] {
        guard case .stringMap(let value)? = self[field]?.content else { return [:] }
        return value
    }

    func object(_ field: String) -> FormatValue {
        guard let value = self[field], case .object = value.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    /// The one key of a `oneOf` object and its value.
    var only: (key: String, value: FormatValue) {
        guard case .object(let fields) = content, let first = fields.first, fields.count == 1 else {
            preconditionFailure("not a oneOf object")
        }
        return first
    }
}
