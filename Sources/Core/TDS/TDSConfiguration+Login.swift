import NIOCore
import Synchronization

extension TDSConfiguration {
    /// The LOGIN7 message for this configuration.
    private var login: TDSLogin {
        var login = TDSLogin()
        login.tdsVersion = self.encryption == .strict ? TDSProtocolVersion.tds80 : TDSProtocolVersion.tds74
        login.packetSize = UInt32(clamping: self.packetSize)
        login.hostName = self.applicationName
        login.userName = self.user
        login.password = self.password
        login.applicationName = self.applicationName
        login.serverName = self.host
        login.libraryName = "aftershock"
        login.database = self.database
        login.features = [.utf8]
        return login
    }

    /// The same, encoded. It is the same for every login, and so is kept.
    var encodedLogin: ByteBuffer {
        get throws(TDSWireError) {
            let key = TDSLoginCache.Key(
                isStrict: self.encryption == .strict, packetSize: self.packetSize, applicationName: self.applicationName, user: self.user,
                password: self.password, host: self.host, database: self.database)
            return try self.logins.message(for: key) { () throws(TDSWireError) in try self.login.encode() }
        }
    }

    /// The PRELOGIN message for this configuration, which depends on its encryption alone.
    var encodedPrelogin: ByteBuffer {
        Self.prelogins[self.encryption] ?? Self.prelogin(self.encryption)
    }

    private static let prelogins = Dictionary(uniqueKeysWithValues: Encryption.allCases.map { ($0, prelogin($0)) })

    private static func prelogin(_ encryption: Encryption) -> ByteBuffer {
        TDSPrelogin(
            version: TDSPrelogin.Version(major: 1, minor: 0, build: 0), encryption: TDSEncryptionNegotiation.offer(encryption), threadID: 0
        ).encode()
    }

    /// Reads the certificates that are to be trusted, which otherwise happens when the first connection is made.
    public func prepareTLS() throws(TDSError) {
        if self.encryption != .off { _ = try self.tls.context(for: self) }
    }

    /// The name to ask for and to find in the certificate, or nil for an address, which SNI cannot carry (RFC 6066 section 3).
    var certificateName: String? {
        let name = self.serverName ?? self.host
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        return isAddress ? nil : name
    }
}

/// Keeps the latest LOGIN7 message of a configuration and its copies.
final class TDSLoginCache: Sendable {
    /// All that the message depends on.
    struct Key: Equatable {
        var isStrict: Bool
        var packetSize: Int
        var applicationName: String
        var user: String
        var password: TDSPassword
        var host: String
        var database: String
    }

    private let kept = Mutex<(key: Key, message: ByteBuffer)?>(nil)

    func message(for key: Key, _ encode: () throws(TDSWireError) -> ByteBuffer) throws(TDSWireError) -> ByteBuffer {
        if let message = self.kept.withLock({ $0?.key == key ? $0?.message : nil }) { return message }
        let message = try encode()
        self.kept.withLock { $0 = (key, message) }
        return message
    }
}
