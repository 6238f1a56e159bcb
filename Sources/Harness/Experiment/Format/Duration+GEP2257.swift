extension Duration {
    /// Parses a duration in the form of Gateway API's GEP-2257: up to four of `[0-9]{1,5}(h|m|s|ms)`, such as `90s` or `1m30s`.
    ///
    /// Returns `nil` for anything else: floats, negatives, days, a bare number.
    /// Source: https://gateway-api.sigs.k8s.io/geps/gep-2257/
    public init?(gep2257 text: String) {
        var total = Duration.zero
        var rest = Substring(text)
        var parts = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard (1...5).contains(digits.count), let count = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            if rest.hasPrefix("ms") {
                total += .milliseconds(count)
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("h") {
                total += .seconds(count * 3600)
                rest = rest.dropFirst()
            } else if rest.hasPrefix("m") {
                total += .seconds(count * 60)
                rest = rest.dropFirst()
            } else if rest.hasPrefix("s") {
                total += .seconds(count)
                rest = rest.dropFirst()
            } else {
                return nil
            }
            parts += 1
        }
        guard (1...4).contains(parts) else { return nil }
        self = total
    }

    /// The canonical GEP-2257 text, largest unit first; `0s` for zero. Fractions of a millisecond are cut off.
    public var gep2257: String {
        // Computing in milliseconds could overflow for a number from outside.
        var (seconds, attoseconds) = components
        var text = ""
        for (unit, size) in [("h", Int64(3600)), ("m", 60), ("s", 1)] where seconds >= size {
            text += "\(seconds / size)\(unit)"
            seconds %= size
        }
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if milliseconds > 0 { text += "\(milliseconds)ms" }
        return text.isEmpty ? "0s" : text
    }

    /// The text beside measured times: `90 s`, `0.250 s`. Fractions of a millisecond are cut off.
    public var text: String {
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds.magnitude / 1_000_000_000_000_000
        let sign = self < .zero ? "-" : ""
        guard milliseconds > 0 else { return "\(sign)\(seconds.magnitude) s" }
        let digits = "\(milliseconds)"
        return "\(sign)\(seconds.magnitude).\(String(repeating: "0", count: 3 - digits.count))\(digits) s"
    }

    /// The pattern of ``init(gep2257:)``, for a JSON Schema.
    public static let gep2257Pattern = "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
}

/// A duration that is coded as its GEP-2257 text.
public struct DurationText: Codable, Sendable, Hashable {
    public var duration: Duration

    public init(_ duration: Duration) {
        self.duration = duration
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let duration = Duration(gep2257: text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a duration")
        }
        self.duration = duration
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(duration.gep2257)
    }
}
