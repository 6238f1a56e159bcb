import NIOCore

extension TDSConfiguration {
    /// The LOGIN7 message for this configuration.
    var login: TDSLogin {
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
