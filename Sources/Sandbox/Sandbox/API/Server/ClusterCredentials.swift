import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// The keys of one sandbox: a certificate authority that lives as long as it, the server's certificate, and the administrator's
/// two proofs of identity. Nothing of it is ever written but what the kubeconfig needs.
struct ClusterCredentials: Sendable {
    let authority: String
    let clientCertificate: String
    let clientKey: String
    let token: String
    private let serverCertificate: String
    private let serverKey: String

    /// - Parameter serviceAddress: the IPv4 address of the `kubernetes` Service.
    init(now: Date, serviceAddress: String = "127.0.0.1") throws {
        let from = now.addingTimeInterval(-3600)
        let until = now.addingTimeInterval(365 * 24 * 3600)
        let authorityKey = P256.Signing.PrivateKey()
        let authorityName = try DistinguishedName { CommonName("aftershock sandbox") }
        func issue(_ subject: DistinguishedName, _ key: P256.Signing.PrivateKey, _ extensions: Certificate.Extensions) throws -> String {
            let certificate = try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey), notValidBefore: from,
                notValidAfter: until, issuer: authorityName, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: extensions, issuerPrivateKey: .init(authorityKey))
            return try certificate.serializeAsPEM().pemString
        }
        authority = try issue(
            authorityName, authorityKey,
            try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            })

        let serverPrivateKey = P256.Signing.PrivateKey()
        serverKey = serverPrivateKey.pemRepresentation
        serverCertificate = try issue(
            try .init { CommonName("kubernetes") }, serverPrivateKey,
            try .init {
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([
                    .ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1])),
                    .ipAddress(ASN1OctetString(contentBytes: serviceAddress.split(separator: ".").compactMap { UInt8($0) }[...])),
                    .dnsName("localhost"), .dnsName("kubernetes"),
                    .dnsName("kubernetes.default.svc"),
                ])
            })

        let clientPrivateKey = P256.Signing.PrivateKey()
        clientKey = clientPrivateKey.pemRepresentation
        clientCertificate = try issue(
            try .init {
                OrganizationName("system:masters")
                CommonName(AccessReview.user)
            }, clientPrivateKey,
            try .init {
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.clientAuth])
            })
        token = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// TLS for the API server: a client certificate is welcome, not required, and must be one of ours.
    func serverConfiguration() throws -> TLSConfiguration {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(serverCertificate.utf8)).map(NIOSSLCertificateSource.certificate)
        let key = try NIOSSLPrivateKey(bytes: Array(serverKey.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification = .optionalVerification
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        configuration.applicationProtocols = ["http/1.1"]
        return configuration
    }

    /// Returns whether an `Authorization` header holds the administrator's token. The comparison takes the same time wherever they differ.
    func accepts(authorization: String?) -> Bool {
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return false }
        return SHA256.hash(data: Data(authorization.dropFirst(7).utf8)) == SHA256.hash(data: Data(token.utf8))
    }
}
