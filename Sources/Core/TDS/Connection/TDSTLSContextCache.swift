import Files
import NIOSSL
import Synchronization

/// Makes the TLS contexts of a configuration when they are first needed, and keeps them.
final class TDSTLSContextCache: Sendable {
    private struct Contexts {
        var inside: NIOSSLContext?
        var strict: NIOSSLContext?
    }

    /// The ALPN name of TDS 8.0.
    static let strictProtocol = "tds/8.0"

    private let contexts = Mutex(Contexts())

    /// The context for the configuration's mode.
    func context(for configuration: TDSConfiguration) throws(TDSError) -> NIOSSLContext {
        let isStrict = configuration.encryption == .strict
        let kept = self.contexts.withLock { isStrict ? $0.strict : $0.inside }
        if let kept { return kept }
        let made = try Self.makeContext(trust: configuration.certificateTrust, isStrict: isStrict)
        self.contexts.withLock { contexts in
            if isStrict { contexts.strict = made } else { contexts.inside = made }
        }
        return made
    }

    private static func makeContext(trust: TDSConfiguration.CertificateTrust, isStrict: Bool) throws(TDSError) -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if isStrict {
            tls.applicationProtocols = [Self.strictProtocol]
        } else {
            // TLS 1.3 sends tickets after the handshake, when the two sides no longer agree whether they are wrapped.
            tls.maximumTLSVersion = .tlsv12
        }
        switch trust.base {
        case .system:
            tls.trustRoots = .default
        case .file(let path):
            tls.trustRoots = .certificates(try certificates(path))
        case .any:
            tls.certificateVerification = .none
        }
        do {
            return try NIOSSLContext(configuration: tls)
        } catch {
            let detail = "cannot set up TLS: \(error)"
            throw TDSError(.configuration, phase: .tls, detail: detail)
        }
    }

    private static func certificates(_ path: String) throws(TDSError) -> [NIOSSLCertificate] {
        do {
            let found = try NIOSSLCertificate.fromPEMBytes(try InputFile.bytes(path))
            if !found.isEmpty { return found }
        } catch {}
        let detail = "cannot use the certificates in '\(path)', which must be a readable PEM file"
        throw TDSError(.configuration, phase: .tls, detail: detail)
    }
}
