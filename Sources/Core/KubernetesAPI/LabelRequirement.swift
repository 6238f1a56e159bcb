/// One condition of a label selector (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors).
public enum LabelRequirement: Sendable, Hashable {
    case isIn(String, Set<String>)
    /// Also met by objects without the label.
    case notIn(String, Set<String>)
    case exists(String)
    case absent(String)

    /// Reads a `metav1.LabelSelectorRequirement`; `nil` where the operator is not known.
    public init?(key: String, operator: String, values: some Sequence<String>) {
        switch `operator` {
        case "In": self = .isIn(key, Set(values))
        case "NotIn": self = .notIn(key, Set(values))
        case "Exists": self = .exists(key)
        case "DoesNotExist": self = .absent(key)
        default: return nil
        }
    }

    /// Returns whether labels meet the requirement.
    public func matches(_ labels: [String: String]) -> Bool {
        switch self {
        case .isIn(let key, let values): labels[key].map(values.contains) ?? false
        case .notIn(let key, let values): labels[key].map { !values.contains($0) } ?? true
        case .exists(let key): labels[key] != nil
        case .absent(let key): labels[key] == nil
        }
    }
}

/// The text of a `labelSelector` query parameter. `kubectl` prints the same.
extension LabelRequirement: CustomStringConvertible {
    public var description: String {
        switch self {
        case .isIn(let key, let values):
            values.count == 1 ? "\(key)=\(values.sorted()[0])" : "\(key) in (\(values.sorted().joined(separator: ",")))"
        case .notIn(let key, let values): "\(key) notin (\(values.sorted().joined(separator: ",")))"
        case .exists(let key): key
        case .absent(let key): "!\(key)"
        }
    }
}
