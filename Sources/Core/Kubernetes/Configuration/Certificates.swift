import Foundation
import SwiftASN1
import X509

extension PEM {
    /// Returns whether it is PEM with such a part. libcurl, which uses it, reports everything else.
    func contains(_ label: String) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).contains { line in
            line.hasPrefix("-----BEGIN ") && line.trimmingCharacters(in: .whitespaces).hasSuffix("\(label)-----")
        }
    }

    /// - Throws: ``KubernetesError`` with the code `certificateUnreadable` that names the file.
    func checkCertificates() throws(KubernetesError) {
        guard !contains("CERTIFICATE") else { return }
        throw KubernetesError(
            .certificateUnreadable, "\(origin): it contains no readable certificate",
            hint: "A PEM text is expected: '-----BEGIN CERTIFICATE-----' and so on.")
    }

    var base64: String { Data(bytes).base64EncodedString() }
}

extension ClientCertificate {
    /// Looks at both parts, so that a broken file is found before the first request and named.
    func check() throws(KubernetesError) {
        try chain.checkCertificates()
        guard !key.contains("PRIVATE KEY") || key.contains("ENCRYPTED PRIVATE KEY") else { return }
        throw KubernetesError(
            .certificateUnreadable, "\(key.origin): it contains no readable private key",
            hint: "A PEM text without a passphrase is expected: '-----BEGIN PRIVATE KEY-----' and so on.")
    }

    /// When the certificate ceases to be valid, as far as that can be read.
    var expiry: Date? {
        let text = String(decoding: chain.bytes, as: UTF8.self)
        let end = "-----END CERTIFICATE-----"
        guard let begin = text.range(of: "-----BEGIN CERTIFICATE-----"),
            let stop = text.range(of: end, range: begin.upperBound..<text.endIndex)
        else { return nil }
        return (try? Certificate(pemEncoded: String(text[begin.lowerBound..<stop.upperBound])))?.notValidAfter
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
        // Within the years that a calendar has.
        return claims.exp.map { Date(timeIntervalSince1970: min(max($0, 0), 253_402_300_799)) }
    }
}
