public import Journal

/// The content of a row, derived from its identity: the ledger remembers no content, so that a million rows cost it a megabyte.
public struct RowContent: Sendable {
    /// Bytes of a payload.
    public static let payloadSize = 64

    private let key: UInt64

    /// - Parameters:
    ///   - seed: the run's, so that a run can be repeated.
    ///   - tableSuffix: makes the rows of two ledgers differ even under one seed.
    public init(seed: UInt64, tableSuffix: String) {
        var key = seed
        for byte in tableSuffix.utf8 { key = Self.mix(key ^ UInt64(byte)) }
        self.key = key
    }

    /// The words of which the payload is made, each written least significant byte first.
    func words(of row: RowIdentity) -> SIMD8<UInt64> {
        var state = Self.mix(Self.mix(key ^ UInt64(bitPattern: Int64(row.writer))) ^ UInt64(bitPattern: row.sequence))
        var words = SIMD8<UInt64>()
        for index in words.indices {
            state &+= 0x9E37_79B9_7F4A_7C15
            words[index] = Self.mix(state)
        }
        return words
    }

    public func payload(of row: RowIdentity) -> [UInt8] {
        let words = words(of: row)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.payloadSize)
        for index in words.indices {
            withUnsafeBytes(of: words[index].littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// The checksum over identity and payload, as the row's bigint column holds it.
    public func checksum(of row: RowIdentity) -> Int64 {
        checksum(of: row, words: words(of: row))
    }

    func checksum(of row: RowIdentity, words: SIMD8<UInt64>) -> Int64 {
        var sum = Self.mix(UInt64(bitPattern: Int64(row.writer)) &+ 1) ^ UInt64(bitPattern: row.sequence)
        for index in words.indices { sum = Self.mix(sum ^ words[index]) }
        return Int64(bitPattern: sum)
    }

    /// The output function of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a bijection in which
    /// every bit of the input changes every bit of the output with a chance of about one half.
    private static func mix(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
