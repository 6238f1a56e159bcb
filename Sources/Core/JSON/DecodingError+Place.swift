extension DecodingError {
    /// The path of the wrong value and the expected type, without the value itself.
    public var place: String {
        switch self {
        case .keyNotFound(let key, let context): "\(context.path): the member '\(key.stringValue)' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "\(context.path): not the type of value that belongs here"
        case .dataCorrupted(let context): "\(context.path): not readable"
        @unknown default: "not readable"
        }
    }
}

extension DecodingError.Context {
    fileprivate var path: String {
        codingPath.isEmpty ? "top level" : codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    }
}
