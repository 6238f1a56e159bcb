/// A step of a connection's life, named in errors and measured.
public enum TDSPhase: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Resolving the name, if there is one, and opening the TCP connection.
    case tcp
    case prelogin
    case tls
    case login
    /// A request and its response.
    case query
    /// Open, with no request under way.
    case idle

    public var description: String { self.rawValue }
}

/// The duration of each phase of connecting; nil for a phase that was not reached or does not apply. The phase that failed has
/// the time until it failed. After a redirection the times of all attempts are added.
public struct TDSPhaseDurations: Sendable, Hashable {
    public var tcp: Duration?
    public var prelogin: Duration?
    public var tls: Duration?
    public var login: Duration?
    /// When the system was told to connect to an address: no phase began before. Of a name with several addresses it is the one that
    /// was connected to, and resolving it and trying the others counts to ``tcp``. nil where it did not come to that.
    public var begun: ContinuousClock.Instant?
    /// Is `true` when the server sent the client on, so that each phase may be the sum of several, which are not told apart.
    public var isRedirected = false

    public init(tcp: Duration? = nil, prelogin: Duration? = nil, tls: Duration? = nil, login: Duration? = nil) {
        self.tcp = tcp
        self.prelogin = prelogin
        self.tls = tls
        self.login = login
    }

    public var total: Duration {
        [self.tcp, self.prelogin, self.tls, self.login].reduce(.zero) { $0 + ($1 ?? .zero) }
    }

    mutating func add(_ duration: Duration, to phase: TDSPhase) {
        switch phase {
        case .tcp: self.tcp = (self.tcp ?? .zero) + duration
        case .prelogin: self.prelogin = (self.prelogin ?? .zero) + duration
        case .tls: self.tls = (self.tls ?? .zero) + duration
        case .login: self.login = (self.login ?? .zero) + duration
        case .query, .idle: break
        }
    }
}
