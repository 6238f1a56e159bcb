import JSON
import SandboxStore

/// The fields of a Kubernetes type: which there are, and how a strategic merge patch merges its lists
/// (the `patchStrategy` and `patchMergeKey` tags of Kubernetes' Go types).
indirect enum FieldSchema: Sendable {
    enum Merge: Sendable, Equatable {
        /// The patch's list replaces the old one.
        case atomic
        /// A list of plain values: the patch's are added.
        case set
        /// A list of objects, told apart by one member.
        case byKey(String)
    }

    /// Anything; not looked into.
    case value
    /// An object of known members. With `retainKeys` a patch names the members to keep in `$retainKeys` (unions).
    case object([String: FieldSchema], retainKeys: Bool = false)
    /// An object of free keys.
    case map
    case list(FieldSchema, Merge)

    /// An object whose plain members are given as one string of names.
    static func fields(_ plain: String, _ others: [String: FieldSchema] = [:], retainKeys: Bool = false) -> FieldSchema {
        let names = plain.split(separator: " ").map { (String($0), FieldSchema.value) }
        return .object(Dictionary(names, uniquingKeysWith: { first, _ in first }).merging(others) { $1 }, retainKeys: retainKeys)
    }

    static let values = FieldSchema.list(.value, .atomic)

    /// The schema of a member; `nil` where nothing is known of it.
    subscript(member: String) -> FieldSchema? {
        switch self {
        case .object(let members, _): members[member]
        case .value, .map, .list: nil
        }
    }
}

extension FieldSchema {
    /// The paths of members that the type does not have, as the API server's strict decoding names them.
    func unknownFields(of value: JSONValue, at path: String = "") -> [String] {
        switch (self, value) {
        case (.object(let members, _), .object(let present)):
            present.sorted { $0.key < $1.key }.flatMap { key, member in
                let place = path.isEmpty ? key : "\(path).\(key)"
                return members[key].map { $0.unknownFields(of: member, at: place) } ?? [place]
            }
        case (.list(let element, _), .array(let elements)):
            elements.enumerated().flatMap { element.unknownFields(of: $1, at: "\(path)[\($0)]") }
        default: []
        }
    }
}
