import Foundation

/// The running checksum of a journal's lines: each line ends with the checksum of all bytes before it.
///
/// It detects damage by a disk or an editor: a changed byte, or a line that was removed, doubled or moved. FNV-1a, 64 bits: from
/// any state a byte leads to one state of its own, so that no change of a single byte can go unseen, and others do once in 2^64.
/// It is no signature. Source: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
struct JournalChain: Sendable {
    private static let key = Array(#","chain":""#.utf8)
    static let digits = Array("0123456789abcdef".utf8)
    /// The length of `,"chain":"0123456789abcdef"}`, which ends a line.
    private static let suffixLength = key.count + 18

    private var state: UInt64 = 0xcbf2_9ce4_8422_2325
    /// Is `true` if the journal has checksums. Journals of earlier versions have none; a journal has them in all of its lines, or in none.
    private(set) var isUsed: Bool?

    /// The checksum of a new journal.
    init() {}

    /// Continues the checksum of a journal after `last`, its last complete line; `nil` if the journal has no checksums.
    init?(after last: Data) {
        guard let value = Self.value(of: last) else { return nil }
        state = value
        isUsed = true
    }

    /// Adds the checksum to a line before it is written: puts it before the final `}` and the newline.
    mutating func seal(_ line: inout [UInt8]) {
        line.removeLast(2)
        add(line)
        line += Self.key
        for shift in stride(from: 60, through: 0, by: -4) { line.append(Self.digits[Int(state >> UInt64(shift) & 15)]) }
        line += Array("\"}\n".utf8)
    }

    /// Adds a line that was read, without its newline.
    ///
    /// - Returns: whether its checksum fits the lines before it.
    mutating func takes(_ line: some RandomAccessCollection<UInt8>) -> Bool {
        let value = Self.value(of: line)
        defer { isUsed = isUsed ?? (value != nil) }
        guard let value else { return isUsed != true }
        guard isUsed != false else { return false }
        add(line.dropLast(Self.suffixLength))
        return state == value
    }

    /// Returns whether a line without a checksum at its end has one just before, as after a change of the line ends.
    static func isDisplaced(in line: some RandomAccessCollection<UInt8>) -> Bool {
        Data(line.suffix(2 * suffixLength)).firstRange(of: key) != nil
    }

    private mutating func add(_ bytes: some Sequence<UInt8>) {
        func mixed(_ state: UInt64, _ bytes: some Sequence<UInt8>) -> UInt64 {
            var state = state
            for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return state
        }
        state = bytes.withContiguousStorageIfAvailable { mixed(state, $0) } ?? mixed(state, bytes)
    }

    /// Returns the checksum of a line. Another spelling of the same value, such as capital digits, counts as a change.
    private static func value(of line: some RandomAccessCollection<UInt8>) -> UInt64? {
        let suffix = line.suffix(suffixLength)
        guard suffix.count == suffixLength, suffix.starts(with: key), suffix.suffix(2).elementsEqual(Array("\"}".utf8)) else { return nil }
        var value: UInt64 = 0
        for byte in suffix.dropFirst(key.count).dropLast(2) {
            guard let digit = digits.firstIndex(of: byte) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}
