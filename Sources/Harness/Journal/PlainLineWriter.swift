/// Writes a journal line of names, numbers and words without escapes. ``PlainLineReader`` reads it back.
///
/// Nearly all lines are successful probes and writes. A general encoder took a tenth of the processor time of a run for them; this takes
/// a small part of that.
struct PlainLineWriter {
    private var bytes: [UInt8] = []

    init(at time: RunTime) {
        bytes.reserveCapacity(320)
        put("{\"at\":")
        put(time.nanoseconds)
    }

    /// - Returns: whether the record could be written in this form: a failure contains foreign text.
    mutating func put(_ result: ProbeResult) -> Bool {
        guard result.failure == nil, result.phases?.keys.allSatisfy({ $0.utf8.allSatisfy(Self.needsNoEscaping) }) ?? true else {
            return false
        }
        put("event", "probe")
        put("track", result.track.rawValue)
        if let view = result.view { put("view", view.rawValue) }
        put("slot", result.slot)
        put("intended", result.intended.nanoseconds)
        put("started", result.started.nanoseconds)
        put("done", result.done.nanoseconds)
        guard let phases = result.phases else { return true }
        put(",\"phases\":{")
        var isFirst = true
        for (phase, took) in phases {
            if !isFirst { put(",") }
            put(quoted: phase)
            put(":")
            put(took)
            isFirst = false
        }
        put("}")
        return true
    }

    mutating func put(_ result: WriteResult) -> Bool {
        guard result.failure == nil else { return false }
        put("event", "write")
        put("writer", result.writer)
        put("sequence", result.sequence)
        put("kind", result.kind.rawValue)
        put("intended", result.intended.nanoseconds)
        put("started", result.started.nanoseconds)
        put("done", result.done.nanoseconds)
        put("outcome", result.outcome.rawValue)
        return true
    }

    mutating func put(_ skip: ProbeSkipped) -> Bool {
        put("event", "probeSkipped")
        put("track", skip.track.rawValue)
        if let view = skip.view { put("view", view.rawValue) }
        if let lane = skip.lane { put("lane", lane) }
        put("slot", skip.slot)
        put("intended", skip.intended.nanoseconds)
        put("reason", skip.reason.rawValue)
        return true
    }

    consuming func finished() -> [UInt8] {
        put("}\n")
        return bytes
    }

    private mutating func put(_ name: StaticString, _ word: String) {
        put(name: name)
        put(quoted: word)
    }

    private mutating func put(_ name: StaticString, _ number: some FixedWidthInteger) {
        put(name: name)
        put(number)
    }

    private mutating func put(name: StaticString) {
        put(",\"")
        put(name)
        put("\":")
    }

    private mutating func put(quoted word: String) {
        put("\"")
        bytes.append(contentsOf: word.utf8)
        put("\"")
    }

    private mutating func put(_ number: some FixedWidthInteger) {
        bytes.append(contentsOf: String(number).utf8)
    }

    private mutating func put(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Letters, and the ASCII characters between them except the backslash.
    static func needsNoEscaping(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "z") && byte != UInt8(ascii: "\\")
    }
}
