import Certificates
import Crypto
package import Foundation
import NIOSSL

/// The keys of one sandbox: a certificate authority that lives as long as it, the server's certificate, and the administrator's
/// two proofs of identity. Nothing of it is ever written but what the kubeconfig needs.
package struct ClusterCredentials: Sendable {
    package let authority: String
    package let clientCertificate: String
    package let clientKey: String
    package let token: String
    private let server: IssuedCertificate

    /// - Parameter serviceAddress: the IPv4 address of the `kubernetes` Service.
    package init(now: Date, serviceAddress: String = "127.0.0.1") throws {
        let validity = Range<Date>.from(now, for: 365 * 86_400)
        let issuer = try CertificateAuthority(name: "aftershock sandbox", validity: validity)
        authority = try issuer.pem
        server = try issuer.issue(
            name: "kubernetes", addresses: [[127, 0, 0, 1], serviceAddress.split(separator: ".").compactMap { UInt8($0) }],
            hosts: ["localhost", "kubernetes", "kubernetes.default.svc"], for: [.server], validity: validity)
        let client = try issuer.issue(
            name: AccessReview.user, organization: "system:masters", addresses: [], for: [.client], validity: validity)
        clientCertificate = client.certificate
        clientKey = client.key
        token = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
    }

    /// TLS for the API server: a client certificate is welcome, not required, and must be one of ours.
    func serverConfiguration() throws -> TLSConfiguration {
        var configuration = try server.serverConfiguration()
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
