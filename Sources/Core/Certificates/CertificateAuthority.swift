import Crypto
public import Foundation
import SwiftASN1
import X509

/// A certificate authority for the servers of this program.
public struct CertificateAuthority: Sendable {
    /// The purpose of a certificate.
    public enum Usage: Sendable {
        case server, client
    }

    private let certificate: Certificate
    private let key: P256.Signing.PrivateKey

    public init(name: String, validity: Range<Date> = .aroundNow) throws {
        try self.init(name: DistinguishedName { CommonName(name) }, validity: validity)
    }

    /// Creates the authority from an existing certificate and key.
    ///
    /// - Parameters:
    ///   - certificate: the certificate as PEM.
    ///   - key: the private key as PEM.
    public init(certificate: String, key: String) throws {
        self.certificate = try Certificate(pemEncoded: certificate)
        self.key = try P256.Signing.PrivateKey(pemRepresentation: key)
    }

    init(name: DistinguishedName, validity: Range<Date>, alternativeNames: SubjectAlternativeNames? = nil) throws {
        key = P256.Signing.PrivateKey()
        certificate = try Self.sign(
            key.publicKey, of: name, validity, by: name, key,
            Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                if let alternativeNames {
                    alternativeNames
                } else {
                    Critical(KeyUsage(keyCertSign: true))
                }
            })
    }

    private init(certificate: Certificate, key: P256.Signing.PrivateKey) {
        self.certificate = certificate
        self.key = key
    }

    /// The authority's certificate as PEM.
    public var pem: String {
        get throws { try certificate.serializeAsPEM().pemString }
    }

    var asIssued: IssuedCertificate {
        get throws { IssuedCertificate(certificate: try pem, key: key.pemRepresentation) }
    }

    /// Issues a certificate for a server, a client, or both.
    ///
    /// - Parameter addresses: the certificate's IP addresses as bytes. Default: this machine's loopback addresses.
    public func issue(
        name: String, organization: String? = nil, addresses: [[UInt8]] = [[127, 0, 0, 1]], hosts: [String] = [],
        for usages: [Usage] = [.server, .client], validity: Range<Date> = .aroundNow
    ) throws -> IssuedCertificate {
        let own = P256.Signing.PrivateKey()
        let subject = try DistinguishedName {
            if let organization { OrganizationName(organization) }
            CommonName(name)
        }
        let issued = try Self.sign(
            own.publicKey, of: subject, validity, by: certificate.subject, key,
            Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage(usages.map { $0 == .server ? .serverAuth : .clientAuth })
                if !hosts.isEmpty || !addresses.isEmpty { SubjectAlternativeNames(hosts: hosts, addresses: addresses) }
            })
        return IssuedCertificate(certificate: try issued.serializeAsPEM().pemString, key: own.pemRepresentation)
    }

    /// Creates an intermediate authority.
    public func issueAuthority(name: String, validity: Range<Date> = .aroundNow) throws -> CertificateAuthority {
        let own = P256.Signing.PrivateKey()
        let issued = try Self.sign(
            own.publicKey, of: try DistinguishedName { CommonName(name) }, validity, by: certificate.subject, key,
            Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            })
        return CertificateAuthority(certificate: issued, key: own)
    }

    private static func sign(
        _ key: P256.Signing.PublicKey, of subject: DistinguishedName, _ validity: Range<Date>, by issuer: DistinguishedName,
        _ issuerKey: P256.Signing.PrivateKey, _ extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key), notValidBefore: validity.lowerBound,
            notValidAfter: validity.upperBound, issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions, issuerPrivateKey: .init(issuerKey))
    }
}
