import Foundation
import NIOSSL

extension PEM {
    /// - Throws: ``KubernetesError`` with the code `certificateUnreadable` that names the file.
    func certificates() throws(KubernetesError) -> [NIOSSLCertificate] {
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            guard !certificates.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            return certificates
        } catch {
            throw KubernetesError(
                .certificateUnreadable, "\(origin): there is no readable certificate in it",
                hint: "A PEM text is expected: '-----BEGIN CERTIFICATE-----' and so on.")
        }
    }

    func privateKey() throws(KubernetesError) -> NIOSSLPrivateKey {
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw KubernetesError(
                .certificateUnreadable, "\(origin): there is no readable private key in it",
                hint: "A PEM text without a passphrase is expected: '-----BEGIN PRIVATE KEY-----' and so on.")
        }
    }
}

extension ClientCertificate {
    /// Reads both parts, so that a broken file is found before the first request and named.
    func check() throws(KubernetesError) {
        _ = try chain.certificates()
        _ = try key.privateKey()
    }

    /// When the certificate ceases to be valid.
    func expiry() throws(KubernetesError) -> Date? {
        try chain.certificates().first.map { Date(timeIntervalSince1970: TimeInterval($0.notValidAfter)) }
    }
}

/// The one thing that is read from a token here: when it expires. Nothing is verified; that is the server's business.
enum JSONWebToken {
    private struct Claims: Decodable {
        var exp: Double?
    }

    static func expiry(of token: String) -> Date? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var text = parts[1].replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        guard let data = Data(base64Encoded: text), let claims = try? JSONDecoder().decode(Claims.self, from: data) else { return nil }
        return claims.exp.map(Date.init(timeIntervalSince1970:))
    }
}

extension PEM {
    var base64: String { Data(bytes).base64EncodedString() }
}
