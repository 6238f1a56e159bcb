import NIOCore
import Testing

@testable import TDS

/// A type and a value of it that must survive being written and read.
struct TypedValue: Sendable, CustomTestStringConvertible {
    let type: TDSTypeInfo
    let value: TDSValue

    init(_ type: TDSTypeInfo, _ value: TDSValue) {
        self.type = type
        self.value = value
    }

    var testDescription: String { "\(self.type.declaration ?? "?") \(self.value)" }

    private static let moment = TDSDateTime(
        date: TDSDate(year: 2026, month: 11, day: 21), time: TDSTime(hour: 23, minute: 59, second: 59, nanosecond: 999_999_900))

    static let all: [TypedValue] = [
        TypedValue(.bit, .bit(true)), TypedValue(.bit, .bit(false)),
        TypedValue(.tinyInt, .tinyInt(255)), TypedValue(.smallInt, .smallInt(.min)),
        TypedValue(.int, .int(.max)), TypedValue(.bigInt, .bigInt(.min)),
        TypedValue(TDSTypeInfo(.bit), .bit(true)), TypedValue(TDSTypeInfo(.tinyInt), .tinyInt(200)),
        TypedValue(TDSTypeInfo(.smallInt), .smallInt(-2)), TypedValue(TDSTypeInfo(.int), .int(-3)),
        TypedValue(TDSTypeInfo(.bigInt), .bigInt(-4)), TypedValue(TDSTypeInfo(.real), .real(1.5)),
        TypedValue(TDSTypeInfo(.float), .float(-2.25)),
        TypedValue(.real, .real(.pi)), TypedValue(.float, .float(.greatestFiniteMagnitude)),
        TypedValue(.money, .decimal(TDSDecimal(isNegative: true, magnitude: 922_337_203_685_477_5807, scale: 4))),
        TypedValue(.smallMoney, .decimal(TDSDecimal(isNegative: false, magnitude: 12345, scale: 4))),
        TypedValue(
            .decimal(precision: 38, scale: 10), .decimal(TDSDecimal(isNegative: true, magnitude: UInt128(UInt64.max) * 1000, scale: 10))),
        TypedValue(.decimal(precision: 5, scale: 2), .decimal(TDSDecimal(isNegative: false, magnitude: 99999, scale: 2))),
        TypedValue(.decimal(precision: 19, scale: 0), .decimal(TDSDecimal(isNegative: false, magnitude: 0, scale: 0))),
        TypedValue(.decimal(precision: 28, scale: 28), .decimal(TDSDecimal(isNegative: false, magnitude: 1, scale: 28))),
        TypedValue(.guid, .guid(TDSGUID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF))),
        TypedValue(.date, .date(TDSDate(days: 0))), TypedValue(.date, .date(TDSDate(year: 9999, month: 12, day: 31))),
        TypedValue(.time(scale: 7), .time(moment.time)), TypedValue(.time(scale: 0), .time(TDSTime(hour: 1, minute: 2, second: 3))),
        TypedValue(.dateTime2(scale: 7), .dateTime(moment)),
        TypedValue(.dateTimeOffset(scale: 7), .dateTimeOffset(moment, offsetMinutes: -330)),
        TypedValue(
            .dateTime, .dateTime(TDSDateTime(date: TDSDate(year: 1753, month: 1, day: 1), time: TDSTime(hour: 12, minute: 0, second: 1)))),
        TypedValue(
            .smallDateTime,
            .dateTime(TDSDateTime(date: TDSDate(year: 2079, month: 6, day: 6), time: TDSTime(hour: 23, minute: 59, second: 0)))),
        TypedValue(.nVarChar(4000), .string("")), TypedValue(.nVarChar(4000), .string("Grüße, 世界 🌍\0 end")),
        TypedValue(.nVarChar(nil), .string(String(repeating: "ab𝄞", count: 1200))), TypedValue(.nVarChar(nil), .string("")),
        TypedValue(.varChar(10), .string("plain")), TypedValue(.varChar(10), .string("50 € für")),
        TypedValue(.varChar(nil), .string("long")),
        TypedValue(.varChar(20, collation: TDSCollation(info: 0x0400_0409, sortID: 0)), .string("世界")),
        TypedValue(.nChar(3), .string("abc")),
        TypedValue(.binary(4), .binary(ByteBuffer(bytes: [1, 2, 3, 4]))),
        TypedValue(.varBinary(8000), .binary(ByteBuffer())), TypedValue(.varBinary(nil), .binary(ByteBuffer(repeating: 7, count: 9_000))),
        TypedValue(TDSTypeInfo(.image, maxLength: 1 << 20), .binary(ByteBuffer(bytes: [9, 8]))),
        TypedValue(TDSTypeInfo(.nText, maxLength: 1 << 20, collation: .latin1General), .string("old text")),
        TypedValue(TDSTypeInfo(.text, maxLength: 1 << 20, collation: .latin1General), .string("older text")),
        TypedValue(.xml, .string("<a>ü</a>")),
        TypedValue(TDSTypeInfo(.variant, maxLength: 8009), .int(-5)),
        TypedValue(TDSTypeInfo(.variant, maxLength: 8009), .string("Edition")),
    ]
}

@Suite struct ValueTests {
    @Test(arguments: TypedValue.all) func survivesTheRoundTrip(sample: TypedValue) throws {
        var buffer = ByteBuffer()
        try sample.type.encode(into: &buffer)
        try sample.type.encodeValue(sample.value, into: &buffer)
        let whole = buffer
        let type = try TDSTypeInfo(decoding: &buffer)
        #expect(type == sample.type)
        let length = buffer.readableBytes
        let end = try buffer.withTDSBytes { bytes throws(TDSWireError) in try type.layout.end(in: bytes, from: 0) }
        #expect(end == length)
        #expect(try type.decodeValue(&buffer) == sample.value)
        #expect(buffer.readableBytes == 0)

        // Cut anywhere, it is incomplete: never a value, never a crash.
        for count in stride(from: 0, to: whole.readableBytes, by: max(1, whole.readableBytes / 200)) {
            var cut = try #require(whole.getSlice(at: whole.readerIndex, length: count))
            #expect(throws: TDSWireError.truncated) {
                let type = try TDSTypeInfo(decoding: &cut)
                _ = try type.decodeValue(&cut)
            }
        }
    }

    @Test(arguments: [
        TDSTypeInfo.bit, .int, .bigInt, .float, .money, .dateTime, .guid, .date, .time(), .dateTime2(), .dateTimeOffset(),
        .decimal(precision: 10, scale: 2), .nVarChar(10), .nVarChar(nil), .varChar(10), .varChar(nil), .varBinary(10), .varBinary(nil),
        .binary(3), .nChar(3), .xml, TDSTypeInfo(.variant, maxLength: 8009), TDSTypeInfo(.nText, maxLength: 10),
    ])
    func nullSurvivesTheRoundTrip(type: TDSTypeInfo) throws {
        var buffer = ByteBuffer()
        try type.encodeValue(.null, into: &buffer)
        let end = try buffer.withTDSBytes { bytes throws(TDSWireError) in try type.layout.end(in: bytes, from: 0) }
        #expect(end == buffer.readableBytes)
        #expect(try type.decodeValue(&buffer) == .null)
        #expect(buffer.readableBytes == 0)
    }

    @Test func aChunkedNullIsNotTheStartOfTheNextToken() throws {
        // tiberius#33: NULL in varchar(max) was read as a value, and the stream fell out of step.
        let columns = TDSColumns([TDSColumn("a", .varChar(nil)), TDSColumn("b", .int)])
        var buffer = try encodeTokens([.columnMetadata(columns)])
        try TDSRow.encode([.null, .int(5)], columns: columns, into: &buffer)
        try TDSToken.done(TDSDone(status: .count, rowCount: 1)).encode(into: &buffer)
        let tokens = try decodeTokens(buffer)
        #expect(try tokens[1].row?.values() == [.null, .int(5)])
        #expect(tokens[2].done?.affectedRows == 1)
    }

    @Test func severalChunksAreOneValue() throws {
        var buffer = ByteBuffer()
        buffer.writeInteger(UInt64.max - 1, endianness: .little)
        for chunk in ["ab", "c", "déf"] {
            buffer.writeInteger(UInt32(chunk.utf16.count * 2), endianness: .little)
            for unit in chunk.utf16 { buffer.writeInteger(unit, endianness: .little) }
        }
        buffer.writeInteger(UInt32(0))
        #expect(try TDSTypeInfo.nVarChar(nil).decodeValue(&buffer) == .string("abcdéf"))
    }

    @Test func aChunkedValueMustKeepItsWord() throws {
        let type = TDSTypeInfo.varBinary(nil)
        for (total, chunks) in [(5, [3]), (5, [3, 3]), (Int(Int32.max) + 1, [1])] as [(Int, [Int])] {
            var buffer = ByteBuffer()
            buffer.writeInteger(UInt64(total), endianness: .little)
            for chunk in chunks {
                buffer.writeInteger(UInt32(chunk), endianness: .little)
                buffer.writeRepeatingByte(1, count: chunk)
            }
            buffer.writeInteger(UInt32(0))
            let bytes = buffer
            #expect(throws: TDSWireError.self) { try type.decodeValue(&buffer) }
            #expect(throws: TDSWireError.self) {
                try bytes.withTDSBytes { bytes throws(TDSWireError) in try type.layout.end(in: bytes, from: 0) }
            }
        }
    }

    @Test func valuesThatDoNotFitAreRefused() {
        var buffer = ByteBuffer()
        let misfits: [(TDSTypeInfo, TDSValue)] = [
            (.tinyInt, .int(-1)), (.smallInt, .int(40000)), (.int, .string("1")), (.nVarChar(3), .string("four")),
            (.varChar(3), .string("four")), (.varBinary(2), .binary(ByteBuffer(bytes: [1, 2, 3]))),
            (.decimal(precision: 5, scale: 2), .decimal(TDSDecimal(isNegative: false, magnitude: 1, scale: 3))),
            (.decimal(precision: 5, scale: 2), .int(1000)), (.varChar(10), .string("世")), (TDSTypeInfo(.int), .null),
            (.smallMoney, .bigInt(.max)), (.date, .date(TDSDate(days: -1))),
        ]
        for (type, value) in misfits {
            #expect(throws: TDSWireError.self, "\(type) \(value)") { try type.encodeValue(value, into: &buffer) }
        }
    }

    @Test func fixedWidthTextIsPadded() throws {
        var buffer = ByteBuffer()
        try TDSTypeInfo.nChar(4).encodeValue(.string("ab"), into: &buffer)
        try TDSTypeInfo.binary(3).encodeValue(.binary(ByteBuffer(bytes: [1])), into: &buffer)
        #expect(try TDSTypeInfo.nChar(4).decodeValue(&buffer) == .string("ab  "))
        #expect(try TDSTypeInfo.binary(3).decodeValue(&buffer) == .binary(ByteBuffer(bytes: [1, 0, 0])))
    }

    @Test func legacyDateTimeRoundsToItsThreeHundredths() throws {
        // 23:59:59.999 is nearer to midnight than to .997.
        var buffer = ByteBuffer()
        let late = TDSDateTime(
            date: TDSDate(year: 1999, month: 12, day: 31), time: TDSTime(hour: 23, minute: 59, second: 59, nanosecond: 999_000_000))
        try TDSTypeInfo.dateTime.encodeValue(.dateTime(late), into: &buffer)
        let expected = TDSDateTime(date: TDSDate(year: 2000, month: 1, day: 1), time: TDSTime(ticks: 0))
        #expect(try TDSTypeInfo.dateTime.decodeValue(&buffer) == .dateTime(expected))
    }

    /// One of 65,535 bytes would have the count of NULL.
    @Test(arguments: [TDSDataType.char, .nChar, .binary, .varChar, .nVarChar, .varBinary])
    func aLengthThatNoTypeHasIsRefused(type: TDSDataType) throws {
        var bytes = ByteBuffer()
        try TDSTypeInfo(type, maxLength: 8001, collation: .latin1General).encode(into: &bytes)
        #expect(throws: TDSWireError.self) { try TDSTypeInfo(decoding: &bytes) }
        bytes.clear()
        try TDSTypeInfo(type, maxLength: TDSTypeInfo.unlimited, collation: .latin1General).encode(into: &bytes)
        let info = try? TDSTypeInfo(decoding: &bytes)
        #expect((info != nil) == [.varChar, .nVarChar, .varBinary].contains(type))
    }

    @Test func calendar() {
        #expect(TDSDate(year: 1, month: 1, day: 1).days == 0)
        #expect(TDSDate(year: 1900, month: 1, day: 1).days == TDSDate.year1900)
        #expect(TDSDate(year: 9999, month: 12, day: 31).days == TDSDate.validDays.upperBound)
        for days in stride(from: 0, through: TDSDate.validDays.upperBound, by: 97) {
            let (year, month, day) = TDSDate(days: days).civil
            #expect(TDSDate(year: year, month: month, day: day).days == days)
        }
        #expect(TDSDate(year: 2024, month: 2, day: 29).description == "2024-02-29")
        #expect(TDSTime(hour: 1, minute: 2, second: 3, nanosecond: 400).description == "01:02:03.0000004")
    }

    @Test func texts() {
        #expect(TDSDecimal(isNegative: true, magnitude: 5, scale: 2).description == "-0.05")
        #expect(TDSDecimal(isNegative: false, magnitude: 12345, scale: 0).description == "12345")
        #expect(TDSDecimal(isNegative: false, magnitude: UInt128.max, scale: 38).description == "3.40282366920938463463374607431768211455")
        let guid = TDSGUID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)
        #expect(guid.description == "00112233-4455-6677-8899-AABBCCDDEEFF")
    }

    @Test func guidBytesAreMixedEndian() throws {
        var buffer = ByteBuffer()
        try TDSTypeInfo.guid.encodeValue(.guid(TDSGUID(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)), into: &buffer)
        #expect(
            Array(buffer.readableBytesView) == [
                16, 0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
            ])
    }

    @Test func anUnknownCodePageIsRefusedNotGuessed() {
        let greek = TDSCollation(info: 0x0408, sortID: 0)
        #expect(throws: TDSWireError.self) { try greek.decode(ByteBuffer(bytes: [0xE1])) }
        #expect(throws: Never.self) { try greek.decode(ByteBuffer(string: "ascii")) }
    }

    @Test func unpairedSurrogatesBecomeReplacementCharacters() {
        var buffer = ByteBuffer(bytes: [0x00, 0xD8, 0x41, 0x00])
        #expect(buffer.readRemainingUTF16() == "\u{FFFD}A")
    }
}
