import Foundation

/// Reads the lines that ``PlainLineWriter`` writes, with their fields in the order in which it writes them.
///
/// It is much faster than a general decoder. A line that is not exactly as expected, to the last byte, is left to that decoder, which
/// reports its error, if any.
struct PlainLineReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// - Parameter line: without its newline.
    static func record(of line: UnsafeRawBufferPointer) -> JournalRecord? {
        var reader = PlainLineReader(bytes: line)
        guard let record = reader.record(), reader.position == line.count else { return nil }
        return record
    }

    private init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    private mutating func record() -> JournalRecord? {
        guard take("{\"at\":"), let at: Int64 = number() else { return nil }
        let event: Event? =
            if take(",\"event\":\"write\"") {
                write().map(Event.write)
            } else if take(",\"event\":\"probe\"") {
                probe().map(Event.probe)
            } else if take(",\"event\":\"probeSkipped\"") {
                skip().map(Event.probeSkipped)
            } else {
                nil
            }
        guard let event, takeChain(), take("}") else { return nil }
        return JournalRecord(at: RunTime(nanoseconds: at), event: event)
    }

    private mutating func probe() -> ProbeResult? {
        guard let track: Track = word("track"), let view = view(), let slot: Int = number("slot"), let intended = time("intended"),
            let started = time("started"), let done = time("done")
        else { return nil }
        var result = ProbeResult(track: track, view: view, slot: slot, intended: intended, started: started, done: done)
        guard take(",\"phases\":{") else { return result }
        guard let phases = phases() else { return nil }
        result.phases = phases
        return result
    }

    /// Returns the place, which most lines do not have; `nil` for an unknown one.
    private mutating func view() -> VantagePoint?? {
        guard take(name: "view") else { return .some(nil) }
        return quoted().flatMap(VantagePoint.init(rawValue:)).map(Optional.some)
    }

    /// Returns the text between the braces, with the closing one.
    private mutating func phases() -> [String: Int64]? {
        var phases: [String: Int64] = [:]
        guard !take("}") else { return phases }
        repeat {
            // For two phases with one name, the general decoder decides which one counts.
            guard let phase = quoted(), take(":"), let took: Int64 = number(), phases.updateValue(took, forKey: phase) == nil else {
                return nil
            }
        } while take(",")
        return take("}") ? phases : nil
    }

    private mutating func write() -> WriteResult? {
        guard let writer: Int = number("writer"), let sequence: Int64 = number("sequence"), let kind: WriteResult.Kind = word("kind"),
            let intended = time("intended"), let started = time("started"), let done = time("done"),
            let outcome: WriteResult.Outcome = word("outcome")
        else { return nil }
        return WriteResult(
            writer: writer, sequence: sequence, kind: kind, intended: intended, started: started, done: done, outcome: outcome)
    }

    private mutating func skip() -> ProbeSkipped? {
        guard let track: Track = word("track"), let view = view() else { return nil }
        var lane: Int?
        if take(name: "lane") {
            guard let number: Int = number() else { return nil }
            lane = number
        }
        guard let slot: Int = number("slot"), let intended = time("intended"), let reason: ProbeSkipped.Reason = word("reason") else {
            return nil
        }
        return ProbeSkipped(track: track, view: view, lane: lane, slot: slot, intended: intended, reason: reason)
    }

    /// Skips the checksum, which was verified before.
    private mutating func takeChain() -> Bool { take(name: "chain") ? quotedDigits() : true }

    private mutating func quotedDigits() -> Bool {
        guard take("\""), position + 16 <= bytes.count, bytes[position..<position + 16].allSatisfy(JournalChain.digits.contains) else {
            return false
        }
        position += 16
        return take("\"")
    }

    // MARK: Fields

    private mutating func word<Word: RawRepresentable<String>>(_ name: StaticString) -> Word? {
        take(name: name) ? quoted().flatMap(Word.init(rawValue:)) : nil
    }

    private mutating func time(_ name: StaticString) -> RunTime? {
        number(name).map(RunTime.init(nanoseconds:))
    }

    private mutating func number<Number: FixedWidthInteger>(_ name: StaticString) -> Number? {
        take(name: name) ? number() : nil
    }

    private mutating func take(name: StaticString) -> Bool {
        let start = position
        if take(",\""), take(name), take("\":") { return true }
        position = start
        return false
    }

    // MARK: Bytes

    private mutating func take(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard position + length <= bytes.count, let start = bytes.baseAddress, memcmp(start + position, text.utf8Start, length) == 0 else {
            return false
        }
        position += length
        return true
    }

    private mutating func quoted() -> String? {
        guard take("\"") else { return nil }
        let start = position
        while position < bytes.count, PlainLineWriter.needsNoEscaping(bytes[position]) { position += 1 }
        let end = position
        guard take("\"") else { return nil }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func number<Number: FixedWidthInteger>() -> Number? {
        let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let start = position
        // Negative numbers have one value more.
        var value: Int64 = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            let (tens, isTooBig) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tens.subtractingReportingOverflow(Int64(digit))
            guard !isTooBig, !overflows else { return nil }
            value = sum
            position += 1
        }
        // Accepts only the form that is written: at least one digit, no leading zeros, no negative zero.
        let isWellWritten = position > start && (bytes[start] != UInt8(ascii: "0") || position == start + 1 && !isNegative)
        guard isWellWritten, isNegative || value != .min else { return nil }
        return Number(exactly: isNegative ? value : -value)
    }
}
