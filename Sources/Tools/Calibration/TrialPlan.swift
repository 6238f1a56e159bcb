public import Journal

/// One calibrated outage: its kind, its start and its length.
public struct TrialPlan: Sendable, Hashable {
    /// The kind of an outage.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case refuse, reset, blackHole, acceptAndHang, hangAfterPrelogin, tlsAbort, loginError, freeze, flapping

        /// The tracks that the outage affects. If connections are accepted, `connect` is not affected.
        public var tracks: Set<Track> {
            switch self {
            case .refuse, .blackHole, .flapping: [.connect, .login, .session]
            case .reset, .acceptAndHang, .hangAfterPrelogin, .tlsAbort, .loginError, .freeze: [.login, .session]
            }
        }

        /// The tracks that the outage must not affect. If connections are reset, a connect may be reset before it counts as accepted.
        var untouched: Set<Track> {
            switch self {
            case .reset, .tlsAbort, .loginError: []
            case .refuse, .blackHole, .flapping, .acceptAndHang, .hangAfterPrelogin, .freeze:
                Set([.connect, .login, .session]).subtracting(tracks)
            }
        }

        /// Is `true` if requests are answered after the outage, so that it affects only requests whose deadline passes in it.
        var holdsBack: Bool { self == .freeze || self == .blackHole }
    }

    /// The probing of a trial.
    public struct Cadence: Sendable, Hashable {
        /// The interval of the tracks `connect` and `session`.
        public var interval: Duration
        public var loginInterval: Duration
        public var timeout: Duration

        /// The defaults of an experiment.
        public init(
            interval: Duration = .milliseconds(20), loginInterval: Duration = .milliseconds(100), timeout: Duration = .seconds(1)
        ) {
            self.interval = interval
            self.loginInterval = loginInterval
            self.timeout = timeout
        }

        public func interval(of track: Track) -> Duration { track == .login ? loginInterval : interval }
    }

    /// One interruption of the service.
    public struct Dip: Sendable, Hashable {
        /// The healthy time before it.
        public var after: Duration
        public var length: Duration
    }

    public var kind: Kind
    public var dips: [Dip]

    /// Draws a plan. Lengths are distributed evenly over the orders of magnitude from `shortest` to `longest`.
    public init(
        kind: Kind, cadence: Cadence, shortest: Duration = .milliseconds(100), longest: Duration = .seconds(10),
        using random: inout some RandomNumberGenerator
    ) {
        self.kind = kind
        // The bounds promise to find outages from two intervals on; the logins have the wider interval.
        var shortest = max(shortest, cadence.loginInterval * 2)
        if kind.holdsBack { shortest += cadence.timeout }
        let warmUp = Duration.milliseconds(Int64.random(in: 600...900, using: &random))
        var dips = [Dip(after: warmUp, length: Self.length(shortest, max(longest, shortest), &random))]
        if kind == .flapping {
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // A login must succeed between two outages, or they would look like one.
                let pause = cadence.loginInterval * 4 + cadence.timeout
                dips.append(
                    Dip(
                        after: pause + .milliseconds(Int64.random(in: 0...100, using: &random)),
                        length: Self.length(shortest, shortest * 5, &random)))
            }
        }
        self.dips = dips
    }

    private static func length(_ shortest: Duration, _ longest: Duration, _ random: inout some RandomNumberGenerator) -> Duration {
        var length = shortest
        // A drawn number of doublings, and a linear draw within the last one.
        var doublings: [Duration] = [shortest]
        while doublings[doublings.count - 1] * 2 < longest { doublings.append(doublings[doublings.count - 1] * 2) }
        if let start = doublings.randomElement(using: &random) {
            let end = min(start * 2, longest)
            length = .nanoseconds(Int64.random(in: start.wholeNanoseconds...end.wholeNanoseconds, using: &random))
        }
        return length
    }
}
