import Synchronization
import Yams

/// Checks a YAML node against a ``Format``, converts it into a ``FormatValue``, and collects all problems.
public struct FormatValidator {
    private(set) var problems: [(position: SourcePosition, message: String, hint: String?)] = []

    /// Adds a problem that the format itself cannot describe.
    public mutating func report(_ position: SourcePosition, _ message: String, hint: String? = nil) {
        problems.append((position, message, hint))
    }

    /// Returns `nil` if the value does not have the format; the problems are then reported.
    mutating func validate(_ node: Node, as format: Format, at path: String) -> FormatValue? {
        if node.anchor != nil {
            report(position(node), "\(path): anchors and aliases are not part of this format", hint: "write the value out")
            return nil
        }
        guard let content = content(of: node, as: format, at: path) else { return nil }
        return FormatValue(content: content, position: position(node))
    }

    private mutating func content(of node: Node, as format: Format, at path: String) -> FormatValue.Content? {
        switch format {
        case .string(let pattern, let meaning):
            guard let text = string(node, at: path) else { return nil }
            if let pattern, !matches(text, pattern) {
                report(position(node), "\(path): '\(text)' is not \(meaning ?? "of the form \(pattern)")")
                return nil
            }
            return .string(text)
        case .choice(let choices):
            guard let text = string(node, at: path) else { return nil }
            guard choices.contains(text) else {
                let listed = choices.joined(separator: ", ")
                report(
                    position(node), "\(path): '\(text)' is not \(choices.count == 1 ? listed : "one of \(listed)")",
                    hint: didYouMean(text, choices))
                return nil
            }
            return .string(text)
        case .duration(let minimum):
            return duration(node, minimum: minimum, at: path)
        case .integer(let range):
            guard let scalar = scalar(node, "a whole number", at: path) else { return nil }
            guard scalar.style == .plain, let value = Int(scalar.string) else {
                report(position(node), "\(path): '\(scalar.string)' is not a whole number")
                return nil
            }
            guard range.contains(value) else {
                report(position(node), "\(path): \(value) is not between \(range.lowerBound) and \(range.upperBound)")
                return nil
            }
            return .integer(value)
        case .integerOrString:
            guard let scalar = scalar(node, "a name or a number", at: path), !scalar.string.isEmpty else { return nil }
            return .string(scalar.string)
        case .boolean:
            guard let scalar = scalar(node, "true or false", at: path) else { return nil }
            guard scalar.style == .plain, ["true", "false"].contains(scalar.string) else {
                report(position(node), "\(path): '\(scalar.string)' is not true or false")
                return nil
            }
            return .boolean(scalar.string == "true")
        case .stringMap:
            return stringMap(node, at: path)
        case .strings:
            guard case .sequence(let sequence) = node, !sequence.isEmpty else {
                report(position(node), "\(path) is a list of strings", hint: "for example [systemctl, stop, kubelet]")
                return nil
            }
            let elements = sequence.enumerated().map { string($0.element, at: "\(path)[\($0.offset)]") }
            return elements.contains(nil) ? nil : .strings(elements.compactMap { $0 })
        case .object(let fields):
            return object(node, fields, at: path)
        case .objects(let fields):
            guard case .sequence(let sequence) = node, !sequence.isEmpty || path.isEmpty else {
                let name = path.isEmpty ? "the document" : path
                report(position(node), "\(name) is a list of objects with \(fields.map(\.name).joined(separator: ", "))")
                return nil
            }
            let elements = sequence.enumerated().map { validate($0.element, as: .object(fields), at: "\(path)[\($0.offset)]") }
            return elements.contains(nil) ? nil : .objects(elements.compactMap { $0 })
        case .oneOf(let fields):
            return oneOf(node, fields, at: path)
        case .anyOne:
            guard case .mapping(let mapping) = node, mapping.count == 1, let name = mapping.first?.key.scalar?.string else {
                report(position(node), "\(path) is an object with exactly one key")
                return nil
            }
            return .object([name: FormatValue(content: .object([:]), position: position(node))])
        }
    }

    private mutating func object(_ node: Node, _ fields: [Format.Field], at path: String) -> FormatValue.Content? {
        guard let members = mapping(node, fields, at: path) else { return nil }
        var values: [String: FormatValue] = [:]
        var complete = true
        for field in fields {
            let below = path.isEmpty ? field.name : "\(path).\(field.name)"
            if let member = members[field.name] {
                values[field.name] = validate(member, as: field.format, at: below)
                complete = complete && values[field.name] != nil
            } else if field.required {
                report(position(node), "\(below) is missing", hint: field.summary)
                complete = false
            } else if let fallback = field.fallback {
                values[field.name] = filled(fallback, field.format, position(node))
            }
        }
        return complete ? .object(values) : nil
    }

    private mutating func oneOf(_ node: Node, _ fields: [Format.Field], at path: String) -> FormatValue.Content? {
        guard let members = mapping(node, fields, at: path) else { return nil }
        guard members.count == 1, let (name, member) = members.first, let field = fields.first(where: { $0.name == name }) else {
            if members.count != 1 {
                let listed = fields.map(\.name).joined(separator: ", ")
                report(position(node), "\(path) has \(members.count) kinds; exactly one of \(listed) is wanted")
            }
            return nil
        }
        return validate(member, as: field.format, at: "\(path).\(name)").map { .object([name: $0]) }
    }

    /// Returns the members of a mapping. Unknown keys are reported and left out.
    private mutating func mapping(_ node: Node, _ fields: [Format.Field], at path: String) -> [String: Node]? {
        guard case .mapping(let mapping) = node else {
            report(
                position(node), "\(path.isEmpty ? "the document" : path) is an object with \(fields.map(\.name).joined(separator: ", "))")
            return nil
        }
        var members: [String: Node] = [:]
        for (key, value) in mapping {
            guard let name = key.scalar?.string, fields.contains(where: { $0.name == name }) else {
                let name = key.scalar?.string ?? "?"
                let known = fields.map(\.name)
                report(
                    position(key), "unknown key '\(name)'\(path.isEmpty ? "" : " in \(path)")",
                    hint: didYouMean(name, known) ?? "known here: \(known.joined(separator: ", "))")
                continue
            }
            members[name] = value
        }
        return members
    }

    /// A default, its own missing fields filled in too.
    private func filled(_ fallback: FormatValue.Content, _ format: Format, _ position: SourcePosition) -> FormatValue {
        guard case .object(var values) = fallback, case .object(let fields) = format else {
            return FormatValue(content: fallback, position: position)
        }
        for field in fields where values[field.name] == nil {
            if let inner = field.fallback { values[field.name] = filled(inner, field.format, position) }
        }
        return FormatValue(content: .object(values), position: position)
    }

    private mutating func duration(_ node: Node, minimum: Duration, at path: String) -> FormatValue.Content? {
        guard let scalar = scalar(node, "a duration such as \"30s\"", at: path) else { return nil }
        guard let value = Duration(gep2257: scalar.string) else {
            let hint =
                if Int(scalar.string) != nil {
                    "did you mean \"\(scalar.string)s\"?"
                } else if scalar.string.hasPrefix("P") {
                    "ISO 8601 durations are not accepted; write 90s or 1m30s"
                } else {
                    "whole numbers of h, m, s and ms, as 1m30s or 250ms (m is minutes)"
                }
            report(position(node), "\(path): '\(scalar.string)' is not a duration", hint: hint)
            return nil
        }
        guard value >= minimum else {
            report(position(node), "\(path): \(scalar.string) is less than \(minimum.gep2257)")
            return nil
        }
        return .duration(value)
    }

    private mutating func stringMap(_ node: Node, at path: String) -> FormatValue.Content? {
        guard case .mapping(let mapping) = node else {
            report(position(node), "\(path) is an object of strings")
            return nil
        }
        var values: [String: String] = [:]
        for (key, value) in mapping {
            guard let name = string(key, at: path), let text = string(value, at: "\(path).\(name)") else { continue }
            values[name] = text
        }
        return values.count == mapping.count ? .stringMap(values) : nil
    }

    private mutating func scalar(_ node: Node, _ wanted: String, at path: String) -> Node.Scalar? {
        guard case .scalar(let scalar) = node else {
            report(position(node), "\(path) is \(wanted)")
            return nil
        }
        return scalar
    }

    private mutating func string(_ node: Node, at path: String) -> String? {
        guard let scalar = scalar(node, "a string", at: path) else { return nil }
        if scalar.style == .plain, isNotString(scalar.string) {
            report(position(node), "\(path): '\(scalar.string)' is not a string in YAML", hint: "quote it: \"\(scalar.string)\"")
            return nil
        }
        guard !scalar.string.isEmpty else {
            report(position(node), "\(path) is empty")
            return nil
        }
        return scalar.string
    }

    /// Plain scalars that some YAML reader takes for something else than text.
    private func isNotString(_ text: String) -> Bool {
        let words = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        return words.contains(text.lowercased()) || Double(text) != nil || text.contains(":") && matches(text, "^[0-9]+(:[0-5]?[0-9])+$")
    }

    private func matches(_ text: String, _ pattern: String) -> Bool {
        Self.expressions.withLock { known in
            if let expression = known[pattern] { return text.wholeMatch(of: expression) != nil }
            guard let expression = try? Regex(pattern) else {
                preconditionFailure("the pattern \(pattern) of the format does not compile")
            }
            known[pattern] = expression
            return text.wholeMatch(of: expression) != nil
        }
    }

    /// The few patterns of the format, compiled: that takes a hundred times what a match takes.
    private static let expressions = Mutex<[String: Regex<AnyRegexOutput>]>([:])

    private func didYouMean(_ word: String, _ known: [String]) -> String? {
        closest(to: word, among: known).map { "did you mean '\($0)'?" }
    }

    private func position(_ node: Node) -> SourcePosition {
        SourcePosition(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}
