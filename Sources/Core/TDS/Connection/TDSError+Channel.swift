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
        default: self.init(.io, phase: phase, detail: "\(text) (errno \(code))")
        }
    }

    private init(connectionError error: NIOConnectionError) {
        // With both families tried, the first failure stands for all: they nearly always agree.
        if let failure = error.connectionErrors.first {
            self.init(channelError: failure.error, phase: .tcp, isConnected: false)
        } else {
            let cause = error.dnsAError ?? error.dnsAAAAError
            self.init(.dns, phase: .tcp, detail: "'\(error.host)' does not resolve" + (cause.map { ": \($0)" } ?? ""))
        }
    }
}
