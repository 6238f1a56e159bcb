/// An optional that is written as `null`, where `Codable` would leave the key out: a reader sees that the value is not known.
///
/// Decoding takes a missing key for `null`.
@propertyWrapper
struct OrNull<Value: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
    var wrappedValue: Value?

    init(wrappedValue: Value?) {
        self.wrappedValue = wrappedValue
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        wrappedValue = container.decodeNil() ? nil : try container.decode(Value.self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try wrappedValue.map { try container.encode($0) } ?? container.encodeNil()
    }
}

extension KeyedDecodingContainer {
    func decode<Value>(_ type: OrNull<Value>.Type, forKey key: Key) throws -> OrNull<Value> {
        try decodeIfPresent(type, forKey: key) ?? OrNull(wrappedValue: nil)
    }
}
