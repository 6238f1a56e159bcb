/// Splits a T-SQL batch into tokens.
///
/// Works on UTF-8: bytes of 0x80 and above are letters of names or content of strings, never punctuation.
struct Tokenizer {
    private let bytes: [UInt8]
    private let quotedIdentifiers: Bool
    private var position = 0
    private var line = 1

    private init(_ text: String, quotedIdentifiers: Bool) {
        self.bytes = Array(text.utf8)
        self.quotedIdentifiers = quotedIdentifiers
    }

    /// - Parameter quotedIdentifiers: the session's QUOTED_IDENTIFIER: whether `"x"` is a name or a string.
    static func tokens(of text: String, quotedIdentifiers: Bool = true) throws(SQLError) -> [Token] {
        var tokenizer = Tokenizer(text, quotedIdentifiers: quotedIdentifiers)
        var tokens: [Token] = []
        repeat {
            tokens.append(try tokenizer.next())
        } while tokens.last?.kind != .end
        return tokens
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private mutating func next() throws(SQLError) -> Token {
        try skipBlanks()
        let start = position
        guard start < bytes.count else { return Token(kind: .end, text: "", line: line, start: start, end: start) }
        let line = self.line
        let (kind, text) = try scan()
        return Token(
            kind: kind, text: text ?? String(decoding: bytes[start..<position], as: UTF8.self), line: line, start: start, end: position)
    }

    private mutating func scan() throws(SQLError) -> (Token.Kind, String?) {
        switch byte() {
        case UInt8(ascii: "'"):
            return (.string(national: false), try delimited(by: UInt8(ascii: "'")))
        case UInt8(ascii: "N") where byte(1) == UInt8(ascii: "'"), UInt8(ascii: "n") where byte(1) == UInt8(ascii: "'"):
            position += 1
            return (.string(national: true), try delimited(by: UInt8(ascii: "'")))
        case UInt8(ascii: "["):
            return (.quoted, try delimited(by: UInt8(ascii: "]")))
        case UInt8(ascii: "\""):
            let text = try delimited(by: UInt8(ascii: "\""))
            return (quotedIdentifiers ? .quoted : .string(national: false), text)
        case UInt8(ascii: "0") where byte(1) | 0x20 == UInt8(ascii: "x"):
            return (try binary(), nil)
        case let first where first.isDigit || (first == UInt8(ascii: ".") && byte(1).isDigit):
            return (number(), nil)
        case UInt8(ascii: "@"):
            let isGlobal = byte(1) == UInt8(ascii: "@")
            position += isGlobal ? 2 : 1
            let start = position
            skipWord()
            return isGlobal ? (.global, String(decoding: bytes[start..<position], as: UTF8.self)) : (.variable, nil)
        case let first where first.isWordStart:
            skipWord()
            return (.word, nil)
        default:
            return (try symbol(), nil)
        }
    }

    private mutating func skipWord() {
        while byte().isWordPart { position += 1 }
    }

    private mutating func symbol() throws(SQLError) -> Token.Kind {
        let pair = [byte(), byte(1)]
        if ["<=", ">=", "<>", "!=", "+=", "-=", "*=", "/=", "!<", "!>", "::"].contains(where: { Array($0.utf8) == pair }) {
            position += 2
            return .symbol
        }
        guard "()=<>+-*/%,.;&|^~:".utf8.contains(byte()) else {
            throw .syntax(near: String(decoding: [byte()], as: UTF8.self), line: line)
        }
        position += 1
        return .symbol
    }

    /// Text up to `quote`, which stands for itself when doubled.
    private mutating func delimited(by quote: UInt8) throws(SQLError) -> String {
        let start = line
        position += 1
        var content: [UInt8] = []
        while position < bytes.count {
            if byte() == quote {
                position += 1
                guard byte() == quote, position < bytes.count else { return String(decoding: content, as: UTF8.self) }
            }
            if byte() == UInt8(ascii: "\n") { line += 1 }
            content.append(byte())
            position += 1
        }
        let text = String(decoding: content.prefix(128), as: UTF8.self)
        throw SQLError(
            number: 105, level: 15, message: "Unclosed quotation mark after the character string '\(text)'.", line: start, scope: .batch)
    }

    private mutating func binary() throws(SQLError) -> Token.Kind {
        let start = position
        position += 2
        var digits: [UInt8] = []
        while let digit = byte().hexadecimalValue {
            digits.append(digit)
            position += 1
        }
        guard !byte().isWordPart else {
            throw .syntax(near: String(decoding: bytes[start...position], as: UTF8.self), line: line)
        }
        if digits.count % 2 == 1 { digits.insert(0, at: 0) }
        return .binary(stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
    }

    private mutating func number() -> Token.Kind {
        var kind = Token.Kind.integer
        while byte().isDigit { position += 1 }
        if byte() == UInt8(ascii: ".") {
            kind = .decimal
            position += 1
            while byte().isDigit { position += 1 }
        }
        if byte() | 0x20 == UInt8(ascii: "e") {
            let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
            if byte(signed ? 2 : 1).isDigit {
                kind = .float
                position += signed ? 2 : 1
                while byte().isDigit { position += 1 }
            }
        }
        return kind
    }

    private mutating func skipBlanks() throws(SQLError) {
        while position < bytes.count {
            switch byte() {
            case UInt8(ascii: "\n"):
                line += 1
                position += 1
            case 0...0x20:
                position += 1
            case UInt8(ascii: "-") where byte(1) == UInt8(ascii: "-"):
                while position < bytes.count, byte() != UInt8(ascii: "\n") { position += 1 }
            case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"):
                try skipBlockComment()
            case 0xEF where byte(1) == 0xBB && byte(2) == 0xBF:
                position += 3
            default:
                return
            }
        }
    }

    /// Block comments nest in T-SQL.
    private mutating func skipBlockComment() throws(SQLError) {
        let start = line
        var depth = 0
        repeat {
            guard position < bytes.count else {
                throw SQLError(number: 113, level: 15, message: "Missing end comment mark '*/'.", line: start, scope: .batch)
            }
            switch (byte(), byte(1)) {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                depth += 1
                position += 2
            case (UInt8(ascii: "*"), UInt8(ascii: "/")):
                depth -= 1
                position += 2
            default:
                if byte() == UInt8(ascii: "\n") { line += 1 }
                position += 1
            }
        } while depth > 0
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    fileprivate var isWordStart: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_") || self == UInt8(ascii: "#")
            || self >= 0x80
    }

    fileprivate var isWordPart: Bool { isWordStart || isDigit || self == UInt8(ascii: "$") || self == UInt8(ascii: "@") }

    var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
