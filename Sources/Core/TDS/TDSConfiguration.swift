/// The way to reach and log in to a server.
public struct TDSConfiguration: Sendable {
    /// The encrypted part of the connection.
    public struct Encryption: Sendable, Hashable, CaseIterable, CustomStringConvertible {
        private enum Base: String {
            case required, strict, loginOnly, off
        }

        private let base: Base

        /// Everything after PRELOGIN, in TLS 1.2; a server that cannot is refused.
        public static let required = Encryption(base: .required)
        /// TDS 8.0: TLS before anything else.
        public static let strict = Encryption(base: .strict)
        /// The login packet alone, or everything if the server insists. A server that cannot is refused.
        public static let loginOnly = Encryption(base: .loginOnly)
        /// Nothing; the password crosses the network all but readable.
        public static let off = Encryption(base: .off)

        public static let allCases: [Encryption] = [.required, .strict, .loginOnly, .off]

        public var description: String { self.base.rawValue }

        /// The mode called `name`, as the command line and experiment files spell it.
        public init?(named name: String) {
            guard let base = Base(rawValue: name) else { return nil }
            self.base = base
        }

        private init(base: Base) { self.base = base }
    }

    /// Whose certificates are accepted.
    public struct CertificateTrust: Sendable, Hashable {
        enum Base: Sendable, Hashable {
            case system
            case file(String)
            case any
        }

        let base: Base

        /// Those that the machine's certificate authorities vouch for, with the right name in them.
        public static let system = CertificateTrust(base: .system)
        /// Those that the PEM file's certificates vouch for, with the right name in them.
        public static func file(_ path: String) -> CertificateTrust { CertificateTrust(base: .file(path)) }
        /// Any: encrypted, but not safe from somebody in the middle.
        public static let any = CertificateTrust(base: .any)
    }

    /// The deadline of each phase.
    public struct Deadlines: Sendable, Hashable {
        public var tcp: Duration
        public var prelogin: Duration
        public var tls: Duration
        public var login: Duration
        /// The time in which the server must acknowledge an attention before the connection is closed.
        public var attention: Duration

        /// The defaults are for probing: short, as a slow answer is an answer too.
        public init(
            tcp: Duration = .seconds(2), prelogin: Duration = .seconds(2), tls: Duration = .seconds(5), login: Duration = .seconds(5),
            attention: Duration = .seconds(2)
        ) {
            self.tcp = tcp
            self.prelogin = prelogin
            self.tls = tls
            self.login = login
            self.attention = attention
        }

        /// The same deadline for every phase.
        public init(each: Duration) {
            self.init(tcp: each, prelogin: each, tls: each, login: each, attention: each)
        }
    }

    public static let defaultPort = 1433
    /// One packet stays inside one TLS record.
    public static let defaultPacketSize = 8000

    public var host: String
    public var port: Int
    public var user: String
    public var password: TDSPassword
    /// The database to open; empty for the login's default.
    public var database: String
    public var encryption: Encryption
    public var certificateTrust: CertificateTrust { didSet { self.tls = TDSTLSContextCache() } }
    /// The name to find in the certificate, where it is not ``host``.
    public var serverName: String?
    public var applicationName = "aftershock"
    /// The packet size to ask for, in bytes: 512 to 32767, at most 16383 where everything is encrypted.
    public var packetSize = Self.defaultPacketSize
    public var deadlines: Deadlines
    /// The number of times a server may send the client on to another one.
    public var maximumRedirections = 3

    /// Shared by all copies, as reading certificates for every probe would cost more than the probe.
    var tls = TDSTLSContextCache()
    let logins = TDSLoginCache()

    public init(
        host: String, port: Int = Self.defaultPort, user: String, password: String, database: String = "",
        encryption: Encryption = .required, certificateTrust: CertificateTrust = .system, deadlines: Deadlines = Deadlines()
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = TDSPassword(password)
        self.database = database
        self.encryption = encryption
        self.certificateTrust = certificateTrust
        self.deadlines = deadlines
    }
}
