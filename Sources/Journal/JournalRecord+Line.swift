import Foundation

extension JournalRecord {
    /// The record as a line of the journal, its end included.
    ///
    /// Nearly all lines of a journal are of probes and writes that succeeded. They have nothing in them that would need escaping, and are
    /// put together here at a small part of what a general encoder costs, which was a tenth of what a run took of the processor.
    func line() throws -> String {
        var line = JournalLine(at: at)
        let isPlain =
            switch event {
            case .probe(let result): line.put(result)
            case .write(let result): line.put(result)
            case .probeSkipped(let skip): line.put(skip)
            default: false
            }
        guard !isPlain else { return line.finished() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}

/// A line of names, numbers and words that need no escaping.
private struct JournalLine {
    private var text = ""

    init(at time: RunTime) {
        text.reserveCapacity(320)
        text.append("{\"at\":")
        text.append(String(time.nanoseconds))
    }

    /// - Returns: whether it could be put: a failure has words of others in it.
    mutating func put(_ result: ProbeResult) -> Bool {
        guard result.failure == nil, result.phases?.keys.allSatisfy(Self.needsNoEscaping) ?? true else { return false }
        put("event", "probe")
        put("track", result.track.rawValue)
        put("slot", result.slot)
        put("intended", result.intended.nanoseconds)
        put("started", result.started.nanoseconds)
        put("done", result.done.nanoseconds)
        guard let phases = result.phases else { return true }
        var separator = ""
        text.append(",\"phases\":{")
        for (phase, took) in phases {
            text.append(separator)
            put(quoted: phase)
            text.append(":")
            text.append(String(took))
            separator = ","
        }
        text.append("}")
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
        if let lane = skip.lane { put("lane", lane) }
        put("slot", skip.slot)
        put("intended", skip.intended.nanoseconds)
        put("reason", skip.reason.rawValue)
        return true
    }

    func finished() -> String { text + "}\n" }

    private mutating func put(_ name: String, _ word: String) {
        put(name: name)
        put(quoted: word)
    }

    private mutating func put(_ name: String, _ number: some BinaryInteger) {
        put(name: name)
        text.append(String(number))
    }

    private mutating func put(name: String) {
        text.append(",")
        put(quoted: name)
        text.append(":")
    }

    private mutating func put(quoted word: String) {
        text.append("\"")
        text.append(word)
        text.append("\"")
    }

    private static func needsNoEscaping(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "z") && $0 != UInt8(ascii: "\\") }
    }
}
