import JSON
import SandboxStore

/// The wrong fields of one object, worded as Kubernetes' `field.Error` does.
struct FieldProblems {
    private(set) var causes: [APIError.Cause] = []

    mutating func required(_ field: String, _ detail: String = "") {
        add("FieldValueRequired", field, "Required value\(detail.isEmpty ? "" : ": \(detail)")")
    }

    mutating func invalid(_ field: String, _ value: JSONValue?, _ detail: String) {
        add("FieldValueInvalid", field, "Invalid value: \(Self.text(value)): \(detail)")
    }

    mutating func unsupported(_ field: String, _ value: String, _ supported: [String]) {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        add("FieldValueNotSupported", field, "Unsupported value: \"\(value)\": supported values: \(list)")
    }

    mutating func duplicate(_ field: String, _ value: String) { add("FieldValueDuplicate", field, "Duplicate value: \"\(value)\"") }

    mutating func notFound(_ field: String, _ value: String) { add("FieldValueNotFound", field, "Not found: \"\(value)\"") }

    mutating func forbidden(_ field: String, _ detail: String) { add("FieldValueForbidden", field, "Forbidden: \(detail)") }

    private mutating func add(_ reason: String, _ field: String, _ message: String) {
        causes.append(APIError.Cause(reason: reason, message: message, field: field))
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case nil, .null: "null"
        case .string(let text): "\"\(text)\""
        case .integer(let number): String(number)
        case .double(let number): String(number)
        case .bool(let flag): String(flag)
        case .array, .object: value.flatMap { try? $0.data() }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
    }
}

/// Names and labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/).
enum MetadataValidation {
    static func check(_ object: JSONValue, _ type: ResourceType, _ problems: inout FieldProblems) {
        let name = object.name
        switch type {
        case .services where !isLabel(name) || !(name.first?.isLetter ?? false):
            problems.invalid(
                "metadata.name", .string(name),
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
                    + "and end with an alphanumeric character")
        case .namespaces where !isLabel(name):
            problems.invalid(
                "metadata.name", .string(name),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
                    + "alphanumeric character")
        case .roles, .roleBindings, .clusterRoles, .clusterRoleBindings:
            if name.contains("/") || name.contains("%") {
                problems.invalid("metadata.name", .string(name), "may not contain '/' or '%'")
            }
        default:
            if !isSubdomain(name) {
                problems.invalid(
                    "metadata.name", .string(name),
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
                        + "with an alphanumeric character")
            }
        }
        for (key, value) in object[path: "metadata", "labels"]?.object ?? [:] where !isLabelValue(value.string) {
            problems.invalid(
                "metadata.labels", value,
                "the value of label \(key) must be 63 characters or less, of alphanumeric characters, '-', '_' or '.', and must start and "
                    + "end with an alphanumeric character")
        }
        for (key, value) in object[path: "metadata", "annotations"]?.object ?? [:] where value.string == nil {
            problems.invalid("metadata.annotations", value, "the value of annotation \(key) must be a string")
        }
    }

    static func isLabel(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            && isEdged(text, isLowerAlphanumeric)
    }

    static func isSubdomain(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
                    && isEdged(String(part), isLowerAlphanumeric)
            }
    }

    static func isLabelValue(_ text: String?) -> Bool {
        guard let text else { return false }
        return text.isEmpty
            || text.utf8.count <= 63 && isEdged(text, isAlphanumeric)
                && text.utf8.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isEdged(_ text: String, _ condition: (UInt8) -> Bool) -> Bool {
        text.utf8.first.map(condition) == true && text.utf8.last.map(condition) == true
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerAlphanumeric(byte | 0x20) || isLowerAlphanumeric(byte) }
}
