import Crypto
public import Foundation
import Network
import Secrets

/// A bucket of an S3-compatible store, into which files are put. Each request is signed by libcurl (AWS Signature Version 4) and goes
/// through the environment's proxy.
///
/// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
public struct ObjectBucket: Sendable, CustomStringConvertible {
    /// The variables that hold what is needed to write into it.
    ///
    /// They are of our own: a credential plugin such as `aws eks get-token` needs the usual ones, and is not to have these.
    public static let variables = (
        endpoint: "AFTERSHOCK_S3_ENDPOINT", region: "AFTERSHOCK_S3_REGION", access: "AFTERSHOCK_S3_ACCESS_KEY_ID",
        secret: "AFTERSHOCK_S3_SECRET_ACCESS_KEY", token: "AFTERSHOCK_S3_SESSION_TOKEN"
    )

    /// `s3://BUCKET/PREFIX`.
    public let description: String
    private let server: APIServerURL
    private let proxy: Proxy?
    private let bucket: String
    private let prefix: [String]
    private let signature: CurlSignature
    private let token: String?

    /// - Parameter address: `s3://BUCKET/PREFIX`, of which the prefix may be missing.
    /// - Throws: when the address is none, or a variable is missing. The error has no secret.
    public init(_ address: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws(ObjectBucketError) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let names = Self.variables
        for name in [names.secret, names.token] { KnownSecrets.hide(variable: name) }
        let parts = address.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 3, parts[0] == "s3:", parts[1].isEmpty, !parts[2].isEmpty, parts[2].utf8.allSatisfy(\.isBucketName) else {
            throw ObjectBucketError("'\(address)' is not a bucket; write it like s3://bucket/prefix")
        }
        guard let access = value(names.access), let secret = value(names.secret) else {
            throw ObjectBucketError("\(address): the variables \(names.access) and \(names.secret) are to hold a key that may write there")
        }
        for known in [secret, value(names.token) ?? ""] { KnownSecrets.add(known) }
        let region = value(names.region) ?? "us-east-1"
        guard region.utf8.allSatisfy(\.isBucketName) else { throw ObjectBucketError("\(names.region) is not the name of a region") }
        do {
            server = try APIServerURL(value(names.endpoint) ?? "https://s3.\(region).amazonaws.com", origin: names.endpoint)
            proxy = try Proxy(to: server, environment: environment)
        } catch {
            throw ObjectBucketError(error.message)
        }
        description = address
        bucket = parts[2]
        prefix = parts[3...].filter { !$0.isEmpty }
        signature = CurlSignature(scope: "aws:amz:\(region):s3", user: access, secret: secret)
        token = value(names.token)
    }

    /// Puts a file there, in one request; what has the same name is replaced.
    ///
    /// - Parameter name: below the prefix, with `/` between its parts.
    public func put(_ content: Data, as name: String) async throws(ObjectBucketError) {
        let path = ([bucket] + prefix + name.split(separator: "/").map(String.init)).map(Self.encoded).joined(separator: "/")
        let base = server.description
        var request = CurlRequest(method: "PUT", url: base + (base.hasSuffix("/") ? "" : "/") + path)
        let digest = SHA256.hash(data: content).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        request.headers = ["Content-Type: application/octet-stream", "x-amz-content-sha256: \(digest)"]
        if let token { request.headers.append("x-amz-security-token: \(token)") }
        request.body = Array(content)
        request.signature = signature
        request.proxy = proxy?.url
        request.timeout = .seconds(300)
        let (status, answer): (Int, Data)
        do throws(CurlFailure) {
            (status, answer) = try await CurlTransport().answer(to: request)
        } catch {
            throw ObjectBucketError("\(server) cannot be reached\(proxy.map { " over \($0)" } ?? ""): \(error.text)")
        }
        guard (200..<300).contains(status) else {
            throw ObjectBucketError("\(server) answered \(status) to \(name)\(Self.reason(in: answer))")
        }
    }

    /// The code and the message of an error document.
    private static func reason(in answer: Data) -> String {
        let text = String(decoding: answer, as: UTF8.self)
        let words = ["Code", "Message"].compactMap { name -> String? in
            guard let from = text.range(of: "<\(name)>"), let to = text.range(of: "</\(name)>"), from.upperBound <= to.lowerBound else {
                return nil
            }
            return String(text[from.upperBound..<to.lowerBound].prefix(200))
        }
        return words.isEmpty ? "" : ": \(words.joined(separator: ", "))"
    }

    private static func encoded(_ part: String) -> String {
        let unreserved = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        return part.addingPercentEncoding(withAllowedCharacters: unreserved) ?? part
    }
}

/// The reason for which an ``ObjectBucket`` did not take a file.
public struct ObjectBucketError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ text: String) { description = text }
}

extension UInt8 {
    fileprivate var isBucketName: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: self == UInt8(ascii: "-") || self == UInt8(ascii: ".") || self == UInt8(ascii: "_")
        }
    }
}
