extension String {
    /// The text for any XML reader: without terminal colours and characters that XML 1.0 forbids or a reader refuses.
    ///
    /// A control character becomes visible, as `\x1b`. Source: https://www.w3.org/TR/xml/#charsets
    var plain: String {
        var text = ""
        var rest = unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "\u{1b}", rest.first == "[" {
                rest.removeFirst()
                // A control sequence ends with its first character from @ to ~ (ECMA-48, 5.4).
                while let next = rest.popFirst(), !("@"..."~").contains(next) {}
                continue
            }
            if scalar.isPlain {
                text.unicodeScalars.append(scalar)
            } else {
                text += "\\x\(String(scalar.value, radix: 16))"
            }
        }
        return text
    }

    /// One line of at most `limit` characters.
    func line(limit: Int) -> String {
        let joined = plain.split(whereSeparator: \.isNewline).joined(separator: " ")
        return joined.count <= limit ? joined : joined.prefix(limit - 3) + "..."
    }
}

extension Unicode.Scalar {
    fileprivate var isPlain: Bool {
        switch value {
        case 0x9, 0xA: true
        case 0..<0x20, 0x7F...0x9F: false
        // The last two code points of every plane are no characters.
        default: value & 0xFFFE != 0xFFFE
        }
    }
}
