/// One HTTP request with everything that libcurl needs to know for it.
struct CurlRequest: Sendable {
    /// The largest head of an answer; Go's servers and clients have the same limit.
    static let headLimit = 1 << 20

    var method: String
    var url: String
    /// `host:port` to connect to when that differs from the URL's, which names what the certificate is checked against.
    var connectTo: String?
    /// Lines `Name: value`.
    var headers: [String] = []
    var body: [UInt8]?
    var authority: [UInt8]?
    var isVerified = true
    var clientCertificate: ClientCertificate?
    /// A signature of the request, instead of a header with a credential.
    var signature: CurlSignature?
    /// A URL; `nil` is a direct connection.
    var proxy: String?
    /// From the start until a connection (TCP, proxy and TLS) stands.
    var connectTimeout: Duration = .seconds(10)
    /// From the start until the last byte of the answer; `nil` is no limit.
    var timeout: Duration?
    /// The time limit from the start to the head of the answer. With `nil` only ``timeout`` limits it.
    var headTimeout: Duration?
    /// The interval at which the reader of the body gets an empty piece while nothing comes; `nil` is never.
    var tick: Duration?
}

/// A key with which libcurl signs a request (AWS Signature Version 4).
struct CurlSignature: Sendable {
    /// `provider1:provider2:region:service`.
    var scope: String
    var user: String
    var secret: String
}

/// A piece of a body and when it arrived.
struct BodyChunk: Sendable {
    var bytes: [UInt8]
    var receivedAt: ContinuousClock.Instant
}

/// The head of an answer, and its body as it comes in.
struct CurlResponse: Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: CurlBody
}

/// Why libcurl gave up, before it is told to a person.
struct CurlFailure: Error, Sendable, Hashable {
    /// `CURLcode`.
    var code: UInt32
    /// libcurl's own words.
    var text: String
    /// OpenSSL's `X509_V_ERR_*`; 0 when the chain was fine.
    var verifyResult: Int = 0
    /// Is `true` when a connection stood, so that the request may have reached the server.
    var wasConnected = false
    /// Is `true` when an HTTP proxy had opened the way to the server.
    var hadTunnel = false

    /// `CURLE_OPERATION_TIMEDOUT`.
    var isTimeout: Bool { code == 28 }

    /// The task was cancelled, or nobody reads the body any more.
    static let cancelled = CurlFailure(code: 0, text: "cancelled")
    /// `CURLE_OUT_OF_MEMORY`.
    static let outOfMemory = CurlFailure(code: 27, text: "out of memory")
}
