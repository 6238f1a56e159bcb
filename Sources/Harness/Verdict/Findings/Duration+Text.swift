import Journal

extension Duration {
    /// Milliseconds, to the nanosecond.
    public var milliseconds: Double { Double(wholeNanoseconds) / 1_000_000 }

    public var seconds: Double { Double(wholeNanoseconds) / 1_000_000_000 }

    /// The duration, rounded up to whole milliseconds.
    public var roundedUpToMilliseconds: Duration { .milliseconds(millisecondsRoundedUp) }

    private var millisecondsRoundedUp: Int64 { wholeNanoseconds.clampedSum(999_999) / 1_000_000 }

    /// `12.345 s`, rounded so that it is still an upper bound.
    public var textRoundedUp: String { Self.text(milliseconds: millisecondsRoundedUp) }

    /// `12.345 s`, rounded so that it is still a lower bound.
    public var textRoundedDown: String { Self.text(milliseconds: wholeNanoseconds / 1_000_000) }

    private static func text(milliseconds: Int64) -> String {
        let rest = "\((milliseconds % 1000).magnitude)"
        let sign = milliseconds < 0 ? "-" : ""
        return "\(sign)\((milliseconds / 1000).magnitude).\(String(repeating: "0", count: 3 - rest.count))\(rest) s"
    }
}
