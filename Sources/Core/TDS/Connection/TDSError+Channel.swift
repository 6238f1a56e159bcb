import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension TDSError {
    init(wireError: TDSWireError, phase: TDSPhase) {
        switch wireError {
        case .unsupported: self.init(.unsupported, phase: phase, detail: "\(wireError)")
        case .truncated, .malformed, .unencodable: self.init(.protocolViolation, phase: phase, detail: "\(wireError)")
        }
    }

    /// - Parameter isConnected: whether the socket was still open when the error came: a handshake that fails because the peer
    ///   closed is the peer's closing, not TLS's failing.
    init(channelError error: any Error, phase: TDSPhase, isConnected: Bool) {
        switch error {
        case let error as TDSError: self = error
        case let error as TDSWireError: self.init(wireError: error, phase: phase)
        case let error as IOError: self.init(errno: error.errnoCode, phase: phase)
        case let error as NIOConnectionError: self.init(connectionError: error)
        case ChannelError.connectTimeout: self.init(.timeout, phase: phase)
        case ChannelError.eof, ChannelError.ioOnClosedChannel, ChannelError.alreadyClosed, ChannelError.inputClosed,
            ChannelError.outputClosed:
            self.init(.eof, phase: phase, detail: "the server closed the connection")
        case NIOSSLError.uncleanShutdown:
            self.init(.eof, phase: phase, detail: "the server closed the connection")
        case NIOSSLError.handshakeFailed where !isConnected:
            self.init(.eof, phase: phase, detail: "the server closed the connection during the TLS handshake")
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            self.init(.tls, phase: phase, detail: Self.explanation(ofTLSError: "\(error)"))
        default:
            self.init(.io, phase: phase, detail: "\(error)")
        }
    }

    /// The error with what a failed handshake usually means where TLS comes first (TDS 8.0).
    func explained(for encryption: TDSConfiguration.Encryption) -> TDSError {
        guard encryption == .strict, self.phase == .tls else { return self }
        let isOtherProtocol = self.code == .tls && self.detail?.contains("WRONG_VERSION_NUMBER") == true
        guard isOtherProtocol || [.eof, .reset, .timeout].contains(self.code) else { return self }
        var explained = self
        explained.detail =
            [
                self.detail,
                isOtherProtocol
                    ? "the server does not answer in TLS: it knows only TDS 7, as before SQL Server 2022; use encryption 'required'"
                    : "it may know only TDS 7, as before SQL Server 2022 (use encryption 'required'), or have no certificate that strict "
                        + "accepts (17821 in the server's log)",
            ].compactMap { $0 }.joined(separator: "; ")
        return explained
    }

    /// BoringSSL's reason without the source line it stands in, and what to do about the usual one.
    private static func explanation(ofTLSError text: String) -> String {
        let marker = "OPENSSL_internal:"
        guard let start = text.firstRange(of: marker)?.upperBound else { return text }
        let reason = text[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        if reason == "CERTIFICATE_VERIFY_FAILED" {
            return "the server's certificate is not trusted (\(reason)): name its CA, or accept any certificate if that is good enough"
        }
        return "the TLS handshake failed (\(reason))"
    }

    private init(errno code: CInt, phase: TDSPhase) {
        let text = String(cString: strerror(code))
        switch code {
        case ECONNREFUSED: self.init(.refused, phase: phase, detail: text)
        case ECONNRESET, EPIPE, ECONNABORTED: self.init(.reset, phase: phase, detail: text)
        case ETIMEDOUT: self.init(.timeout, phase: phase, detail: text)
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN: self.init(.unreachable, phase: phase, detail: text)
        // No word of the server: it was never asked.
        case EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL:
            self.init(.cancelled, phase: phase, detail: "this machine has no socket for it: \(text)")
        default: self.init(.io, phase: phase, detail: "\(text) (errno \(code))")
        }
    }

    private init(connectionError error: NIOConnectionError) {
        // With both families tried, the first failure stands for all: they nearly always agree.
        if let failure = error.connectionErrors.first {
            self.init(channelError: failure.error, phase: .tcp, isConnected: false)
        } else {
            let cause = error.dnsAError ?? error.dnsAAAAError
            let reason = cause.map { ": \(($0 as? SocketAddressError.UnknownHost)?.errorDescription ?? "\($0)")" } ?? ""
            self.init(.dns, phase: .tcp, detail: "'\(error.host)' does not resolve\(reason)")
        }
    }
}

extension NIOSSLCertificate {
    /// Says that the certificate does not hold `name`, and what it holds.
    func explanation(ofMissing name: String) -> String {
        "the server's certificate is not for '\(name)' but for \(self.names): connect by one of its names, or say which one to "
            + "expect (serverName in an experiment, --server-name for probe)"
    }

    private var names: String {
        let names = self._subjectAlternativeNames().compactMap { name -> String? in
            switch name.nameType {
            case .dnsName: "'\(String(decoding: name.contents, as: UTF8.self))'"
            case .ipAddress:
                (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: name.contents), port: 0)).flatMap { $0.ipAddress.map { "'\($0)'" } }
            default: nil
            }
        }
        if !names.isEmpty { return names.joined(separator: ", ") }
        // Nothing else tells the subject, to which names without an alternative are compared.
        let marker = "common_name="
        let text = self.description
        guard let start = text.firstRange(of: marker)?.upperBound else { return "no name at all" }
        return "'\(text[start...].prefix { $0 != ";" && $0 != ">" })'"
    }
}
