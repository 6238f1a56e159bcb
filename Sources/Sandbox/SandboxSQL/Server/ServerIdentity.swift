import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// The self-signed certificate that the server makes for itself at every start, as SQL Server does when it is given none.
struct ServerIdentity: Sendable {
    let certificate: NIOSSLCertificateSource
    let privateKey: NIOSSLPrivateKeySource
    /// PEM, for clients that are to pin it.
    let certificateText: String

    /// - Parameters:
    ///   - names: DNS names, beside `localhost`.
    ///   - now: the moment the certificate's year begins.
    init(names: [String], now: Date) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("SSL_Self_Signed_Fallback") }
        let hosts = (["localhost"] + names.filter { $0 != "localhost" }).map { GeneralName.dnsName($0) }
        let addresses = [[UInt8]([127, 0, 0, 1])].map { GeneralName.ipAddress(ASN1OctetString(contentBytes: ArraySlice($0))) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey, notValidBefore: now - 3600,
            notValidAfter: now + 365 * 86_400, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames(hosts + addresses)
            }, issuerPrivateKey: key)
        certificateText = try certificate.serializeAsPEM().pemString
        self.certificate = .certificate(try NIOSSLCertificate(bytes: Array(certificateText.utf8), format: .pem))
        privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(try key.serializeAsPEM().pemString.utf8), format: .pem))
    }
}
