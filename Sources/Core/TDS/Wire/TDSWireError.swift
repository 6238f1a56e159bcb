/// Why bytes could not be read as TDS, or a value could not be written as TDS.
public enum TDSWireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end inside an element. In a stream this means "more must arrive first"; in a complete message it is a protocol error.
    case truncated
    /// The bytes contradict the specification; the text says where and how.
    case malformed(String)
    /// The bytes are legal but use a part of TDS that is not implemented here.
    case unsupported(String)
    /// The value does not fit the type or field it is to be written as.
    case unencodable(String)

    public var description: String {
        switch self {
        case .truncated: "the message ends inside an element"
        case .malformed(let what): "malformed: \(what)"
        case .unsupported(let what): "not supported: \(what)"
        case .unencodable(let what): "cannot be encoded: \(what)"
        }
    }
}
