import Crypto
public import Foundation
public import NIOSSL
import SwiftASN1
import X509

/// A certificate and its private key, made by this program.
public struct IssuedCertificate: Sendable {
    /// PEM.
    public var certificate: String
    /// PEM.
    public var key: String

    /// Makes a certificate that signs itself, as a server does that is given none.
    ///
    /// - Parameters:
    ///   - hosts: the DNS names that it is for.
    ///   - addresses: the IP addresses that it is for, as their bytes.
    public static func selfSigned(
        name: String, hosts: [String] = [], addresses: [[UInt8]] = [], validity: Range<Date> = .aroundNow
    ) throws -> IssuedCertificate {
        let names = SubjectAlternativeNames(hosts: hosts, addresses: addresses)
        return try CertificateAuthority(name: DistinguishedName { CommonName(name) }, validity: validity, alternativeNames: names).asIssued
    }

    /// TLS for a server that shows this certificate.
    public func serverConfiguration() throws -> TLSConfiguration {
        .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)))
    }
}

extension Range<Date> {
    /// From an hour ago, for clocks that are late, to a day ahead.
    public static var aroundNow: Range<Date> { .from(Date(), for: 86_400) }

    /// From an hour before `now` until `seconds` after it.
    public static func from(_ now: Date, for seconds: TimeInterval) -> Range<Date> { now - 3600..<now + seconds }
}

extension SubjectAlternativeNames {
    init(hosts: [String], addresses: [[UInt8]]) {
        self.init(hosts.map { .dnsName($0) } + addresses.map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) })
    }
}
