import NIOCore

/// VARCHAR, CHAR and TEXT: the bytes mean what the collation's code page says. Windows-1252, UTF-8 and, whatever the
/// code page, pure ASCII are understood; anything else is refused rather than guessed.
extension TDSCollation {
    func decode(_ bytes: ByteBuffer) throws(TDSWireError) -> String {
        let view = bytes.readableBytesView
        if self.isUTF8 {
            guard let text = String(validating: view, as: UTF8.self) else { throw .malformed("a UTF-8 varchar that is not UTF-8") }
            return text
        }
        if view.allSatisfy({ $0 < 0x80 }) { return String(decoding: view, as: UTF8.self) }
        guard self.isWindows1252 else {
            throw .unsupported("non-ASCII varchar in the code page of locale 0x\(String(self.localeID, radix: 16)); select it as nvarchar")
        }
        return String(decoding: view.lazy.map(Self.windows1252Unit), as: UTF16.self)
    }

    /// Appends the text in the collation's code page.
    func encode(_ text: String, into buffer: inout ByteBuffer) throws(TDSWireError) {
        if self.isUTF8 || text.utf8.allSatisfy({ $0 < 0x80 }) {
            buffer.writeString(text)
            return
        }
        guard self.isWindows1252 else {
            throw .unsupported("non-ASCII varchar in the code page of locale 0x\(String(self.localeID, radix: 16)); use nvarchar")
        }
        for unit in text.utf16 {
            if unit < 0x80 || (0xA0...0xFF).contains(unit) {
                buffer.writeInteger(UInt8(unit))
            } else if let index = Self.windows1252High.firstIndex(of: unit) {
                buffer.writeInteger(UInt8(0x80 + index))
            } else {
                throw .unencodable("U+\(String(unit, radix: 16, uppercase: true)) in a Windows-1252 varchar; use nvarchar")
            }
        }
    }

    private static func windows1252Unit(_ byte: UInt8) -> UInt16 {
        (0x80...0x9F).contains(byte) ? Self.windows1252High[Int(byte) - 0x80] : UInt16(byte)
    }

    /// 0x80 to 0x9F of Windows-1252; the five undefined bytes map to the C1 controls, as Windows does.
    private static let windows1252High: [UInt16] = [
        0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
        0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
    ]

    private var isWindows1252: Bool {
        switch self.sortID {
        case 0: Self.windows1252Languages.contains(UInt16(self.localeID & 0x3FF))
        // SQL collations choose the code page by sort order: these are the "1252" ones of sys.fn_helpcollations.
        case 50...54, 71...75, 183...186: true
        default: false
        }
    }

    /// Primary language ids (MS-LCID) whose ANSI code page is 1252: Catalan, Danish, German, English, Spanish, Finnish,
    /// French, Icelandic, Italian, Dutch, Norwegian, Portuguese, Swedish, Indonesian, Basque, Afrikaans, Faroese, Malay, Swahili.
    private static let windows1252Languages: Set<UInt16> = [
        0x03, 0x06, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0F, 0x10, 0x13, 0x14, 0x16, 0x1D, 0x21, 0x2D, 0x36, 0x38, 0x3E, 0x41,
    ]
}
