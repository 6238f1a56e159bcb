package import JSON
import KubernetesAPI

/// A label selector (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
package struct LabelSelector: Sendable, Hashable {
    var requirements: [LabelRequirement] = []

    package static let everything = LabelSelector()

    package func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0.matches(labels) } }

    /// Plain equality, as a Service's `spec.selector` has it.
    package init(equal labels: [String: String]) {
        requirements = labels.sorted { $0.key < $1.key }.map { .isIn($0.key, [$0.value]) }
    }

    package init() {}

    /// A `metav1.LabelSelector` object: `matchLabels` and `matchExpressions`. An empty one matches everything.
    package init(object: JSONValue) throws(APIError) {
        requirements = LabelSelector(equal: object["matchLabels"]?.strings ?? [:]).requirements
        for expression in object["matchExpressions"]?.array ?? [] {
            let key = expression["key"]?.string ?? ""
            let values = expression["values"]?.array?.compactMap(\.string) ?? []
            let name = expression["operator"]?.string ?? ""
            guard let requirement = LabelRequirement(key: key, operator: name, values: values) else {
                throw .badRequest("\"\(name)\" is not a valid label selector operator")
            }
            requirements.append(requirement)
        }
    }

    /// The text form of the `labelSelector` query parameter.
    package init(parsing text: String) throws(APIError) {
        for part in Self.splitOutsideParentheses(text) where !part.isEmpty {
            requirements.append(try Self.requirement(part, in: text))
        }
    }

    private static func requirement(_ part: String, in text: String) throws(APIError) -> LabelRequirement {
        if part.hasPrefix("!") { return .absent(try key(String(part.dropFirst()), text)) }
        if part.hasSuffix(")"), let open = part.firstIndex(of: "(") {
            let words = part[..<open].split(separator: " ")
            let inside = part[part.index(after: open)..<part.index(before: part.endIndex)]
            let values = Set(
                try inside.split(separator: ",", omittingEmptySubsequences: false).map { value throws(APIError) in
                    try self.value(value, text)
                })
            guard words.count == 2 else { throw unparsable(text, "expected KEY in (VALUES) at \"\(part)\"") }
            switch words[1] {
            case "in": return .isIn(try key(String(words[0]), text), values)
            case "notin": return .notIn(try key(String(words[0]), text), values)
            default: throw unparsable(text, "found \"\(words[1])\", expected: in, notin")
            }
        }
        if let range = part.firstRange(of: "!=") {
            return .notIn(try key(String(part[..<range.lowerBound]), text), [try value(part[range.upperBound...], text)])
        }
        if let range = part.firstRange(of: "==") ?? part.firstRange(of: "=") {
            return .isIn(try key(String(part[..<range.lowerBound]), text), [try value(part[range.upperBound...], text)])
        }
        return .exists(try key(part, text))
    }

    private static func key(_ text: String, _ selector: String) throws(APIError) -> String {
        let key = Substring(text).trimmingSpaces()
        guard !key.isEmpty, consists(key, of: "-_./") else { throw unparsable(selector, "\"\(key)\" is not a label key") }
        return key
    }

    private static func value(_ text: Substring, _ selector: String) throws(APIError) -> String {
        let value = text.trimmingSpaces()
        guard value.utf8.count <= 63, consists(value, of: "-_.") else { throw unparsable(selector, "\"\(value)\" is not a label value") }
        return value
    }

    private static func consists(_ text: String, of signs: String) -> Bool {
        text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || signs.contains($0)) }
    }

    private static func unparsable(_ text: String, _ why: String) -> APIError {
        .badRequest("unable to parse requirement in label selector \"\(text)\": \(why)")
    }

    private static func splitOutsideParentheses(_ text: String) -> [String] {
        var parts: [String] = []
        var current = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(Substring(current).trimmingSpaces())
                current = ""
            } else {
                current.append(character)
            }
        }
        parts.append(Substring(current).trimmingSpaces())
        return parts
    }
}

extension LabelSelector: CustomStringConvertible {
    /// The text form, as `kubectl` prints it and `Scale.status.selector` holds it.
    package var description: String { requirements.map(\.description).joined(separator: ",") }
}

/// A field selector: equalities on the few fields that each resource supports
/// (https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/).
package struct FieldSelector: Sendable, Hashable {
    private struct Term: Sendable, Hashable {
        let path: [String]
        let value: String
        let isEqual: Bool
    }

    private var terms: [Term] = []

    package static let everything = FieldSelector()

    package init() {}

    package init(parsing text: String, for type: ResourceType) throws(APIError) {
        for part in text.split(separator: ",") {
            let isEqual = !part.contains("!=")
            let separator = isEqual ? (part.contains("==") ? "==" : "=") : "!="
            guard let range = part.firstRange(of: separator) else {
                throw .badRequest("invalid selector: '\(text)'; can't understand '\(part)'")
            }
            let field = part[..<range.lowerBound].trimmingSpaces()
            guard Self.supportedFields(of: type).contains(field) else {
                throw .badRequest("field label not supported: \(field)")
            }
            let path = field.split(separator: ".").map(String.init)
            terms.append(Term(path: path, value: part[range.upperBound...].trimmingSpaces(), isEqual: isEqual))
        }
    }

    /// Objects of one name, the selector that `kubectl get NAME -w` sends.
    package init(name: String) { terms = [Term(path: ["metadata", "name"], value: name, isEqual: true)] }

    /// Pods bound to one node, the selector that a kubelet and `kubectl drain` use.
    package init(nodeName: String) { terms = [Term(path: ["spec", "nodeName"], value: nodeName, isEqual: true)] }

    package func matches(_ object: JSONValue) -> Bool {
        terms.allSatisfy { term in
            let value = term.path.reduce(Optional(object)) { $0?[$1] }
            return (Self.text(value, at: term.path) == term.value) == term.isEqual
        }
    }

    private static func text(_ value: JSONValue?, at path: [String]) -> String {
        switch value {
        case .string(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        // A flag that is not set is omitted from the object, and still selectable as "false".
        case nil where path == ["spec", "unschedulable"]: "false"
        case nil, .null, .double, .array, .object: ""
        }
    }

    private static func supportedFields(of type: ResourceType) -> Set<String> {
        let own: Set<String> =
            switch type {
            case .pods:
                [
                    "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP",
                    "status.nominatedNodeName",
                ]
            case .nodes: ["spec.unschedulable"]
            case .namespaces: ["status.phase"]
            case .secrets: ["type"]
            case .services: ["spec.clusterIP", "spec.type"]
            case .replicaSets: ["status.replicas"]
            case .events:
                [
                    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
                    "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
                    "reportingComponent", "type",
                ]
            default: []
            }
        return own.union(["metadata.name", "metadata.namespace"])
    }
}

/// The filter of a list or watch.
package struct ObjectFilter: Sendable, Hashable {
    /// `nil` is every namespace.
    package var namespace: String?
    package var labels = LabelSelector.everything
    package var fields = FieldSelector.everything

    package init(namespace: String? = nil, labels: LabelSelector = .everything, fields: FieldSelector = .everything) {
        self.namespace = namespace
        self.labels = labels
        self.fields = fields
    }

    package static let everything = ObjectFilter()

    package func matches(_ object: JSONValue) -> Bool {
        if let namespace, object.namespace != namespace { return false }
        return labels.matches(object.labels) && fields.matches(object)
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
