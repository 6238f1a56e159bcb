/// A value as SQLite holds it. The layout of each T-SQL type:
///
/// | type | here |
/// |---|---|
/// | bit, tinyint ... bigint | integer |
/// | decimal(p,s) | integer, scaled by 10^s |
/// | real, float | real |
/// | strings, uniqueidentifier (upper case) | text |
/// | date, time, datetime, datetime2 | text of fixed width in ISO order, so that it sorts rightly |
/// | binary, varbinary | blob |
enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The value as a SQLite literal.
    var literal: String {
        switch self {
        case .null: "NULL"
        case .integer(Int64.min): "(-9223372036854775807 - 1)"
        case .integer(let value): String(value)
        case .real(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value)).0" : "\(value)"
        case .text(let text) where text.utf8.contains(0): "CAST(\(SQLValue.blob(Array(text.utf8)).literal) AS TEXT)"
        case .text(let text): "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        case .blob(let bytes): "x'\(hexadecimal(bytes))'"
        }
    }
}

/// Upper-case hexadecimal digits of `bytes`.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
