import Foundation

/// `decimal` as a scaled 64-bit integer.
enum Decimals {
    /// nil where the result does not fit; rounds half away from zero as SQL Server does.
    static func rescale(_ value: Int64, from: Int, to: Int) -> Int64? {
        guard to < from else {
            let (result, overflow) = value.multipliedReportingOverflow(by: power10(to - from))
            return overflow ? nil : result
        }
        let unit = power10(from - to)
        let half = value < 0 ? -(unit / 2) : unit / 2
        let (sum, overflow) = value.addingReportingOverflow(half)
        return overflow ? nil : sum / unit
    }

    static func text(_ value: Int64, scale: Int) -> String {
        guard scale > 0 else { return String(value) }
        var digits = String(value.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        return "\(value < 0 ? "-" : "")\(digits.dropLast(scale)).\(digits.suffix(scale))"
    }

    static func parse(_ text: String) -> (value: Int64, scale: Int)? {
        var digits = Substring(text)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
        let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        let joined = String(parts.first ?? "") + fraction
        guard !joined.isEmpty, joined.utf8.allSatisfy(\.isDigit), let value = Int64((isNegative ? "-" : "") + joined) else { return nil }
        return (value, fraction.count)
    }
}

/// `uniqueidentifier`: its first three groups are little-endian in bytes.
enum GUID {
    private static let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]

    static func bytes(of text: String) -> [UInt8]? {
        guard text.utf8.count == 36, [8, 13, 18, 23].allSatisfy({ Array(text.utf8)[$0] == UInt8(ascii: "-") }) else { return nil }
        guard let plain = [UInt8](hexadecimal: text.filter { $0 != "-" }), plain.count == 16 else { return nil }
        return order.map { plain[$0] }
    }

    static func text(of bytes: [UInt8]) -> String {
        let digits = hexadecimal(order.map { bytes[$0] })
        var groups: [Substring] = []
        var rest = Substring(digits)
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }
}

/// The code page of `varchar` under SQL Server's default collation.
enum CodePage1252 {
    private static let high: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    static func byte(of unit: UInt16) -> UInt8 {
        switch unit {
        case 0..<0x80, 0xA0...0xFF: UInt8(unit)
        default: high.firstIndex(of: unit).map { UInt8($0 + 0x80) } ?? UInt8(ascii: "?")
        }
    }

    static func bytes(of text: String) -> [UInt8] { text.utf16.map(byte(of:)) }

    static func text(of bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map { (0x80..<0xA0).contains($0) ? high[Int($0) - 0x80] : UInt16($0) }, as: UTF16.self)
    }

    static func representable(_ text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 } ? text : self.text(of: bytes(of: text))
    }
}

extension [UInt8] {
    /// Bytes of an even number of hexadecimal digits, nil for anything else.
    init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.compactMap(\.hexadecimalValue)
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        self = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

func formatted(_ value: Double, _ format: String) -> String { String(format: format, value) }

extension String {
    var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
