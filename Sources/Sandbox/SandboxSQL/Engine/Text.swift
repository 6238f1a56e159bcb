/// SQL Server's default collation, near enough: no regard to case, blanks at the end do not count.
enum Collation {
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        let a = trimmed(left)
        let b = trimmed(right)
        if a.allSatisfy({ $0 < 0x80 }), b.allSatisfy({ $0 < 0x80 }) {
            for index in 0..<min(a.count, b.count) {
                let (x, y) = (folded(a[a.startIndex + index]), folded(b[b.startIndex + index]))
                if x != y { return x < y ? -1 : 1 }
            }
            return a.count == b.count ? 0 : a.count < b.count ? -1 : 1
        }
        let x = Array(String(decoding: a, as: UTF8.self).lowercased().unicodeScalars)
        let y = Array(String(decoding: b, as: UTF8.self).lowercased().unicodeScalars)
        if x == y { return 0 }
        return x.lexicographicallyPrecedes(y) ? -1 : 1
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        var end = bytes.count
        while end > 0, bytes[end - 1] == 0x20 { end -= 1 }
        return bytes[0..<end]
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

/// LIKE: `%`, `_`, `[a-z]`, `[^a-z]`, without regard to case.
struct LikePattern {
    private enum Part {
        case any
        case one
        case character(Character)
        case set([ClosedRange<Character>], negated: Bool)
    }

    private let parts: [Part]

    init(_ pattern: String, escape: Character?) {
        var parts: [Part] = []
        var rest = Substring(pattern.lowercased())
        let escape = escape.map { Character($0.lowercased()) }
        while let character = rest.popFirst() {
            switch character {
            case escape:
                if let next = rest.popFirst() { parts.append(.character(next)) }
            case "%": parts.append(.any)
            case "_": parts.append(.one)
            case "[":
                guard let end = rest.firstIndex(of: "]") else {
                    parts.append(.character("["))
                    continue
                }
                parts.append(LikePattern.set(rest[..<end]))
                rest = rest[rest.index(after: end)...]
            default: parts.append(.character(character))
            }
        }
        self.parts = parts
    }

    private static func set(_ text: Substring) -> Part {
        var rest = text
        let isNegated = rest.first == "^"
        if isNegated { rest.removeFirst() }
        var ranges: [ClosedRange<Character>] = []
        while let low = rest.popFirst() {
            if rest.first == "-", rest.count > 1 {
                rest.removeFirst()
                let high = rest.removeFirst()
                if low <= high { ranges.append(low...high) }
            } else {
                ranges.append(low...low)
            }
        }
        return .set(ranges, negated: isNegated)
    }

    func matches(_ text: String) -> Bool {
        let characters = Array(text.lowercased())
        // The classic walk with one point of return suffices, as a later % makes an earlier one irrelevant.
        var (part, place) = (0, 0)
        var mark: (part: Int, place: Int)?
        while place < characters.count {
            if part < parts.count, case .any = parts[part] {
                mark = (part, place)
                part += 1
            } else if part < parts.count, matches(parts[part], characters[place]) {
                part += 1
                place += 1
            } else if let back = mark {
                part = back.part + 1
                place = back.place + 1
                mark = (back.part, place)
            } else {
                // Blanks at the end of the text need no counterpart.
                return part == parts.count && characters[place...].allSatisfy { $0 == " " }
            }
        }
        return parts[part...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    private func matches(_ part: Part, _ character: Character) -> Bool {
        switch part {
        case .any, .one: true
        case .character(let expected): expected == character
        case .set(let ranges, let negated): ranges.contains { $0.contains(character) } != negated
        }
    }
}

extension String {
    var withoutTrailingBlanks: String {
        var view = Substring(self).utf8
        while view.last == 0x20 { view.removeLast() }
        return String(Substring(view))
    }

    /// `count` UTF-16 code units after the first `skipped`, which is how T-SQL counts.
    func units(_ skipped: Int, _ count: Int) -> String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return String(decoding: utf8.dropFirst(skipped).prefix(count), as: UTF8.self) }
        return String(decoding: Array(utf16.dropFirst(skipped).prefix(count)), as: UTF16.self)
    }

    /// The place of `part`, counted from 1 in UTF-16 code units, or 0.
    func place(of part: String, from start: Int) -> Int {
        let (all, wanted) = (Array(lowercased().utf16), Array(part.lowercased().utf16))
        let first = max(0, start - 1)
        guard !wanted.isEmpty, all.count >= wanted.count, first <= all.count - wanted.count else { return 0 }
        for index in first...(all.count - wanted.count) where all[index..<(index + wanted.count)].elementsEqual(wanted) { return index + 1 }
        return 0
    }

    func replacingWithoutCase(_ part: String, with replacement: String) -> String {
        var result: [UInt16] = []
        let (all, folded, wanted) = (Array(utf16), Array(lowercased().utf16), Array(part.lowercased().utf16))
        // Lower case can change a text's length in rare scripts; then only exact matches are replaced.
        let searched = folded.count == all.count ? folded : all
        var index = 0
        while index < all.count {
            if index + wanted.count <= all.count, searched[index..<(index + wanted.count)].elementsEqual(wanted) {
                result += Array(replacement.utf16)
                index += wanted.count
            } else {
                result.append(all[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF16.self)
    }
}
