/// Growing pauses between attempts, spread at random so that several watchers do not come back at the same instant.
struct Backoff: Sendable {
    /// Much shorter than client-go's (0.8 s to 30 s): the pause is added to every blind interval, and a run has a handful of watches.
    var first: Duration = .milliseconds(100)
    var factor = 2.0
    var most: Duration = .seconds(2)
    private var attempt = 0

    init() {}

    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        var pause = first
        for _ in 0..<attempt where pause < most { pause = pause * factor }
        attempt += 1
        return min(pause, most) * Double.random(in: 0.5...1, using: &random)
    }

    mutating func reset() { attempt = 0 }
}
