import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// A self-signed certificate for `localhost` and, if there is one, an address, as servers make one for themselves.
struct ServerCertificate: Sendable {
    let pem: String
    private let keyPEM: String

    init(address: [UInt8]? = [127, 0, 0, 1]) throws {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let name = try DistinguishedName { CommonName("test server") }
        let names =
            [GeneralName.dnsName("localhost")] + (address.map { [.ipAddress(ASN1OctetString(contentBytes: ArraySlice($0)))] } ?? [])
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: -3600), notValidAfter: Date(timeIntervalSinceNow: 3600),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: key)
        self.pem = try certificate.serializeAsPEM().pemString
        self.keyPEM = try key.serializeAsPEM().pemString
    }

    func context(isStrict: Bool) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(self.pem.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(self.keyPEM.utf8), format: .pem)))
        if isStrict { tls.applicationProtocols = ["tds/8.0"] } else { tls.maximumTLSVersion = .tlsv12 }
        return try NIOSSLContext(configuration: tls)
    }
}
