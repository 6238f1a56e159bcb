import JSON
import SandboxStore

/// Kubernetes' strategic merge patch: a merge patch that merges lists by key
/// (https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-backend/strategic-merge-patch.md).
enum StrategicMergePatch {
    private static let directive = "$patch"
    private static let retainKeys = "$retainKeys"
    private static let deletePrefix = "$deleteFromPrimitiveList/"
    private static let orderPrefix = "$setElementOrder/"

    static func apply(_ patch: JSONValue, to original: JSONValue, _ schema: FieldSchema?) throws(APIError) -> JSONValue {
        guard case .object(let members) = patch else { throw .badRequest("a strategic merge patch must be a JSON object") }
        return .object(try merge(members, into: original.object ?? [:], schema))
    }

    private typealias Members = [String: JSONValue]

    private static func merge(_ patch: Members, into original: Members, _ schema: FieldSchema?) throws(APIError) -> Members {
        switch patch[directive] {
        case "replace": return patch.filter { $0.key != directive }
        case "delete": return [:]
        case nil, "merge": break
        case let other?: throw .badRequest("unknown $patch directive: \(other.string ?? "not a string")")
        }
        var result = original
        if let kept = patch[retainKeys]?.array {
            let names = Set(kept.compactMap(\.string))
            result = result.filter { names.contains($0.key) }
        }
        for (key, gone) in patch where key.hasPrefix(deletePrefix) {
            let field = String(key.dropFirst(deletePrefix.count))
            let values = Set(gone.array ?? [])
            if let present = result[field]?.array { result[field] = .array(present.filter { !values.contains($0) }) }
        }
        for (key, value) in patch where !key.hasPrefix("$") {
            result[key] = try merge(value, into: result[key], schema?[key], order: patch[orderPrefix + key]?.array)
        }
        for (key, order) in patch where key.hasPrefix(orderPrefix) {
            let field = String(key.dropFirst(orderPrefix.count))
            // A list without a change of its own can still be reordered.
            guard patch[field] == nil, let present = result[field]?.array, case .list(_, let rule)? = schema?[field] else { continue }
            result[field] = .array(sorted(present, by: order.array ?? [], original: present, rule))
        }
        return result
    }

    /// The merged value of one member; `nil` when the patch removes it.
    private static func merge(
        _ patch: JSONValue, into original: JSONValue?, _ schema: FieldSchema?, order: [JSONValue]?
    ) throws(APIError) -> JSONValue? {
        switch patch {
        case .null: return nil
        case .object(let members):
            if members[directive] == "delete" { return nil }
            return .object(try merge(members, into: original?.object ?? [:], schema))
        case .array(let elements):
            guard case .list(let element, let rule)? = schema, rule != .atomic else {
                return .array(elements.filter { $0[directive] == nil })
            }
            let present = original?.array ?? []
            let merged = try mergeList(elements, into: present, element, rule)
            return .array(order.map { sorted(merged, by: $0, original: present, rule) } ?? merged)
        case .bool, .integer, .double, .string: return patch
        }
    }

    private static func mergeList(
        _ patch: [JSONValue], into original: [JSONValue], _ schema: FieldSchema, _ rule: FieldSchema.Merge
    ) throws(APIError) -> [JSONValue] {
        guard case .byKey(let key) = rule else { return original + patch.filter { !original.contains($0) } }
        if patch.contains(where: { $0[directive] == "replace" }) { return patch.filter { $0[directive] == nil } }
        var result = original
        for element in patch {
            guard let members = element.object else { throw .badRequest("an element of a list merged by \(key) must be an object") }
            guard let identity = members[key] else {
                throw .badRequest("map: \(element) does not contain declared merge key: \(key)")
            }
            let place = result.firstIndex { $0[key] == identity }
            if members[directive] == "delete" {
                result.removeAll { $0[key] == identity }
            } else if let place {
                result[place] = .object(try merge(members, into: result[place].object ?? [:], schema))
            } else {
                result.append(.object(try merge(members, into: [:], schema)))
            }
        }
        return result
    }

    /// Puts a merged list into the order the patch asks for; elements that it does not name keep their place after the one they followed.
    private static func sorted(
        _ list: [JSONValue], by order: [JSONValue], original: [JSONValue], _ rule: FieldSchema.Merge
    ) -> [JSONValue] {
        func identity(_ element: JSONValue) -> JSONValue {
            guard case .byKey(let key) = rule else { return element }
            return element[key] ?? element
        }
        let ranks = Dictionary(order.enumerated().map { (identity($1), $0) }, uniquingKeysWith: { first, _ in first })
        let places = Dictionary(original.enumerated().map { (identity($1), $0) }, uniquingKeysWith: { first, _ in first })
        var named = list.filter { ranks[identity($0)] != nil }
        named.sort { (ranks[identity($0)] ?? 0) < (ranks[identity($1)] ?? 0) }
        var others = list.filter { ranks[identity($0)] == nil }[...]
        var result: [JSONValue] = []
        for element in named {
            if let place = places[identity(element)] {
                while let other = others.first, let otherPlace = places[identity(other)], otherPlace < place {
                    result.append(other)
                    others.removeFirst()
                }
            }
            result.append(element)
        }
        return result + others
    }
}
