public import Journal

/// The content of a row, derived from its identity. The ledger stores no content, so that a million rows need one megabyte.
public struct RowContent: Sendable {
    /// Bytes of a payload.
    public static let payloadSize = 64

    private let key: UInt64

    /// - Parameters:
    ///   - seed: the run's seed, so that a run can be repeated.
    ///   - tableSuffix: makes the rows of two ledgers differ even with one seed.
    public init(seed: UInt64, tableSuffix: String) {
        var key = seed
        for byte in tableSuffix.utf8 { key = SplitMix64.mix(key ^ UInt64(byte)) }
        self.key = key
    }

    /// The words of the payload, each written least significant byte first.
    func words(of row: RowIdentity) -> SIMD8<UInt64> {
        let owner = SplitMix64.mix(key ^ UInt64(bitPattern: Int64(row.writer)))
        var generator = SplitMix64(seed: SplitMix64.mix(owner ^ UInt64(bitPattern: row.sequence)))
        var words = SIMD8<UInt64>()
        for index in words.indices { words[index] = generator.next() }
        return words
    }

    /// Returns the words of the payload in `bytes`; `nil` if `bytes` has the wrong length.
    static func words(ofPayload bytes: UnsafeRawBufferPointer) -> SIMD8<UInt64>? {
        guard bytes.count == payloadSize else { return nil }
        var words = SIMD8<UInt64>()
        for index in words.indices {
            words[index] = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
        }
        return words
    }

    /// Returns the payload of a row.
    public func payload(of row: RowIdentity) -> [UInt8] {
        let words = words(of: row)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.payloadSize)
        for index in words.indices {
            withUnsafeBytes(of: words[index].littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// The checksum of identity and payload, for the row's bigint column.
    public func checksum(of row: RowIdentity) -> Int64 {
        checksum(of: row, words: words(of: row))
    }

    func checksum(of row: RowIdentity, words: SIMD8<UInt64>) -> Int64 {
        var sum = SplitMix64.mix(UInt64(bitPattern: Int64(row.writer)) &+ 1) ^ UInt64(bitPattern: row.sequence)
        for index in words.indices { sum = SplitMix64.mix(sum ^ words[index]) }
        return Int64(bitPattern: sum)
    }
}
