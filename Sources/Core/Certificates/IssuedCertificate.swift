import Crypto
public import Foundation
public import NIOSSL
import SwiftASN1
import X509

/// A certificate with its private key.
public struct IssuedCertificate: Sendable {
    /// The PEM text.
    public var certificate: String
    /// The PEM text.
    public var key: String

    /// Creates a self-signed certificate, as a server without a configured certificate does.
    ///
    /// - Parameters:
    ///   - hosts: the certificate's DNS names.
    ///   - addresses: the certificate's IP addresses as bytes.
    public static func selfSigned(
        name: String, hosts: [String] = [], addresses: [[UInt8]] = [], validity: Range<Date> = .aroundNow
    ) throws -> IssuedCertificate {
        let names = SubjectAlternativeNames(hosts: hosts, addresses: addresses)
        return try CertificateAuthority(name: DistinguishedName { CommonName(name) }, validity: validity, alternativeNames: names).asIssued
    }

    /// Returns the TLS configuration of a server with this certificate.
    public func serverConfiguration() throws -> TLSConfiguration {
        .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
    }
}

extension Range<Date> {
    /// The validity: from an hour ago, for late clocks, to a day ahead.
    public static var aroundNow: Range<Date> { .from(Date(), for: 86_400) }

    /// Returns the validity from an hour before `now` to `seconds` after it.
    public static func from(_ now: Date, for seconds: TimeInterval) -> Range<Date> { now - 3600..<now + seconds }
}

extension SubjectAlternativeNames {
    init(hosts: [String], addresses: [[UInt8]]) {
        self.init(hosts.map { .dnsName($0) } + addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) })
    }
}
