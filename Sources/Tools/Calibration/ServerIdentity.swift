import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// A self-signed certificate and its key, made anew each time, as SQL Server makes one when it is given none.
public struct ServerIdentity: Sendable {
    private let certificate: NIOSSLCertificate
    private let key: NIOSSLPrivateKey

    public init(name: String) throws {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName { CommonName(name) }
        let now = Date()
        let day = 86_400.0
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: now - day, notValidAfter: now + day,
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions { SubjectAlternativeNames([.dnsName(name)]) },
            issuerPrivateKey: .init(key))
        self.certificate = try NIOSSLCertificate(bytes: Array(certificate.serializeAsPEM().pemString.utf8), format: .pem)
        self.key = try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)
    }

    func configuration() -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        // The PRELOGIN wrapping of TDS 7.x ends with the handshake; TLS 1.3 goes on after it.
        configuration.maximumTLSVersion = .tlsv12
        return configuration
    }
}
