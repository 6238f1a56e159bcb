import JSON
import Yams

extension JSONValue {
    /// Returns the value as a YAML document with sorted keys.
    func yaml() throws -> String { try Yams.dump(object: plain, sortKeys: true) }

    /// The plain collections that Yams dumps.
    private var plain: Any {
        switch self {
        case .null: "null"
        case .bool(let value): value
        case .integer(let value): Int(value)
        case .double(let value): value
        case .string(let value): value
        case .array(let values): values.map(\.plain)
        case .object(let members): members.mapValues(\.plain)
        }
    }
}
