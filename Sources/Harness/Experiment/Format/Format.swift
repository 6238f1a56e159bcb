/// The description of a value in an experiment file, from which the validation and the JSON Schema are derived.
public indirect enum Format: Sendable {
    /// Text, with an optional pattern and its meaning in words.
    case string(pattern: String? = nil, meaning: String? = nil)
    case choice([String])
    case duration(minimum: Duration = .zero)
    case integer(ClosedRange<Int>)
    /// A whole number or text, such as a Service's port.
    case integerOrString
    case boolean
    case stringMap
    case strings
    case object([Field])
    /// A list of objects. It must not be empty, unless it is the whole document.
    case objects([Field])
    /// An object with exactly one of these keys.
    case oneOf([Field])
    /// An object with exactly one key of any name and content.
    case anyOne

    /// A key of an object, with its format and default.
    public struct Field: Sendable {
        public var name: String
        public var format: Format
        public var required: Bool
        /// The default value.
        public var fallback: FormatValue.Content?
        public var summary: String

        public static func required(_ name: String, _ format: Format, _ summary: String) -> Field {
            Field(name: name, format: format, required: true, fallback: nil, summary: summary)
        }

        public static func optional(_ name: String, _ format: Format, _ summary: String) -> Field {
            Field(name: name, format: format, required: false, fallback: nil, summary: summary)
        }

        public static func optional(_ name: String, _ format: Format, _ fallback: FormatValue.Content, _ summary: String) -> Field {
            Field(name: name, format: format, required: false, fallback: fallback, summary: summary)
        }
    }
}

extension Format {
    public static let text = Format.string()
    public static let positive = Format.duration(minimum: .milliseconds(1))
    public static let size = Format.string(pattern: "^[1-9][0-9]{0,5}(Ki|Mi|Gi)B$", meaning: "a size such as 64MiB or 1GiB")
    public static let dnsName = Format.string(
        pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", meaning: "lower-case letters, digits, '-' and '.'")
}

/// A validated value and its place. A default has the place of its object.
public struct FormatValue: Sendable, Hashable {
    /// The content of a validated value.
    public enum Content: Sendable, Hashable {
        case string(String)
        case duration(Duration)
        case integer(Int)
        case boolean(Bool)
        case strings([String])
        case stringMap([String: String])
        case object([String: FormatValue])
        case objects([FormatValue])
    }

    public var content: Content
    public var position: SourcePosition

    /// Compares only the contents, not the places.
    public static func == (left: FormatValue, right: FormatValue) -> Bool { left.content == right.content }

    public func hash(into hasher: inout Hasher) { hasher.combine(content) }
}

/// Access to the fields of a validated object. The validation guarantees that they exist with their type; anything else is a mistake in
/// the format's description.
extension FormatValue {
    public subscript(field: String) -> FormatValue? {
        guard case .object(let fields) = content else { return nil }
        return fields[field]
    }

    public func text(_ field: String) -> String? {
        guard case .string(let value)? = self[field]?.content else { return nil }
        return value
    }

    public func requiredText(_ field: String) -> String {
        guard let value = text(field) else { preconditionFailure("\(field) is not required by the format") }
        return value
    }

    public func duration(_ field: String) -> Duration? {
        guard case .duration(let value)? = self[field]?.content else { return nil }
        return value
    }

    public func requiredDuration(_ field: String) -> Duration {
        guard let value = duration(field) else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    public func integer(_ field: String) -> Int {
        guard case .integer(let value)? = self[field]?.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    public func boolean(_ field: String) -> Bool {
        guard case .boolean(let value)? = self[field]?.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    public func strings(_ field: String) -> [String]? {
        guard case .strings(let value)? = self[field]?.content else { return nil }
        return value
    }

    /// Returns whether the file names the field, or the format has a default for it.
    public func has(_ field: String) -> Bool { self[field] != nil }

    public func stringMap(_ field: String) -> [String: String] {
        guard case .stringMap(let value)? = self[field]?.content else { return [:] }
        return value
    }

    public func object(_ field: String) -> FormatValue {
        guard let value = self[field], case .object = value.content else { preconditionFailure("\(field) has no default in the format") }
        return value
    }

    public func objects(_ field: String) -> [FormatValue] { self[field]?.elements ?? [] }

    /// The objects of a list.
    public var elements: [FormatValue] {
        guard case .objects(let values) = content else { return [] }
        return values
    }

    /// The only key of a `oneOf` object, and its value.
    public var only: (key: String, value: FormatValue) {
        guard case .object(let fields) = content, let first = fields.first, fields.count == 1 else {
            preconditionFailure("not a oneOf object")
        }
        return first
    }

    /// The value of a choice as its enum; the format allows no other text.
    public func choice<Value: RawRepresentable>(_ field: String) -> Value where Value.RawValue == String {
        guard let value = Value(rawValue: requiredText(field)) else {
            preconditionFailure("the format allows a \(field) that the model does not know")
        }
        return value
    }
}
