import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import X509

/// A certificate authority made for one test.
struct TestAuthority {
    let key: P256.Signing.PrivateKey
    let certificate: Certificate
    private let name: DistinguishedName

    init(name: String = "test authority") throws {
        self.name = try DistinguishedName { CommonName(name) }
        self.key = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(self.key)
        certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
            notValidBefore: Date(timeIntervalSinceNow: -3600),
            notValidAfter: Date(timeIntervalSinceNow: 3600), issuer: self.name, subject: self.name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: key)
    }

    private init(certificate: Certificate, key: P256.Signing.PrivateKey) {
        self.certificate = certificate
        self.key = key
        name = certificate.subject
    }

    /// An authority below this one.
    func issueAuthority(name: String) throws -> TestAuthority {
        let own = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(own.publicKey),
            notValidBefore: Date(timeIntervalSinceNow: -3600), notValidAfter: Date(timeIntervalSinceNow: 3600), issuer: self.name,
            subject: try DistinguishedName { CommonName(name) }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return TestAuthority(certificate: certificate, key: own)
    }

    /// TLS for a server that takes a client's certificate of this authority where there is one, as an API server does.
    func optionalTLS(_ identity: Identity) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)))
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(try pem.utf8)))
        tls.certificateVerification = .optionalVerification
        return try NIOSSLContext(configuration: tls)
    }

    /// One that exists, from its PEM texts.
    init(certificate: String, key: String) throws {
        self.certificate = try Certificate(pemEncoded: certificate)
        self.key = try P256.Signing.PrivateKey(pemRepresentation: key)
        name = self.certificate.subject
    }

    struct Identity {
        var certificate: String
        var key: String
    }

    /// A certificate for servers and clients alike.
    func issue(
        name: String, organization: String? = nil, addresses: [[UInt8]] = [[127, 0, 0, 1]], hosts: [String] = [],
        notBefore: Date = Date(timeIntervalSinceNow: -3600),
        notAfter: Date = Date(timeIntervalSinceNow: 3600)
    ) throws -> Identity {
        let own = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: Certificate.PublicKey(own.publicKey),
            notValidBefore: notBefore, notValidAfter: notAfter, issuer: self.name,
            subject: DistinguishedName {
                if let organization { OrganizationName(organization) }
                CommonName(name)
            },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(
                    addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } + hosts.map { .dnsName($0) })
            }, issuerPrivateKey: Certificate.PrivateKey(key))
        return Identity(certificate: try certificate.serializeAsPEM().pemString, key: own.pemRepresentation)
    }

    var pem: String {
        get throws { try certificate.serializeAsPEM().pemString }
    }

    /// TLS for a server; with `clients`, it wants certificates of that authority.
    func serverTLS(_ identity: Identity, clients: TestAuthority? = nil) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(identity.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem)))
        if let clients {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(try clients.pem.utf8)))
            tls.certificateVerification = .noHostnameVerification
        }
        return try NIOSSLContext(configuration: tls)
    }
}
