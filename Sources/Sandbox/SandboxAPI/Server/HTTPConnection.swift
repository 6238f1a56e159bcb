import JSON
import NIOCore
import NIOHTTP1
import SandboxStore

/// One HTTP/1.1 connection: requests in turn, each read in full, answers whole or streamed.
struct HTTPConnection: Sendable {
    /// The API server's own limit for a request's body.
    private static let bodyLimit = 3 * 1024 * 1024

    let service: APIService
    let credentials: ClusterCredentials
    /// Is `true` when TLS has already proven the client's identity.
    /// Set when the client has shown a certificate of ours.
    let hasCertificate: Bool

    private typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    /// - Parameter refused: the head of a request for an upgrade that is not to be had; its answer is the connection's last.
    func run(
        _ channel: NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, refused: HTTPRequestHead?
    ) async throws {
        try await channel.executeThenClose { inbound, outbound in
            var head = refused
            var body = ByteBuffer()
            for try await part in inbound {
                switch part {
                case .head(let new):
                    head = new
                    body.clear()
                case .body(let chunk):
                    // One byte over the limit is enough to know; the rest is dropped.
                    if body.readableBytes <= Self.bodyLimit { body.writeImmutableBuffer(chunk) }
                case .end:
                    guard let head else { return }
                    let response = await respond(head, body)
                    try await write(response, to: head, outbound, channel.channel)
                    guard head.isKeepAlive, refused == nil else { return }
                }
            }
        }
    }

    private func respond(_ head: HTTPRequestHead, _ body: ByteBuffer) async -> APIResponse {
        var request = APIRequest(method: head.method, uri: head.uri, headers: head.headers, body: body)
        if let user = service.authenticated(head.headers, hasCertificate: hasCertificate, credentials) {
            request.user = user
        } else {
            guard APIService.isPublic(request) else { return .failure(APIService.unauthorized) }
            request.user = UserIdentity(name: "system:anonymous", groups: ["system:unauthenticated"])
        }
        guard body.readableBytes <= Self.bodyLimit else {
            return .failure(APIError(413, "RequestEntityTooLarge", "Request entity too large: limit is \(Self.bodyLimit)"))
        }
        return await service.respond(to: request)
    }

    private func write(
        _ response: APIResponse, to request: HTTPRequestHead, _ outbound: Outbound, _ channel: any Channel
    ) async throws {
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status), headers: response.headers)
        switch response.body {
        case .bytes(let bytes):
            head.headers.replaceOrAdd(name: "Content-Length", value: String(bytes.readableBytes))
            var parts: [HTTPServerResponsePart] = [.head(head)]
            if request.method != .HEAD { parts.append(.body(.byteBuffer(bytes))) }
            try await outbound.write(contentsOf: parts + [.end(nil)])
        case .stream(let body):
            head.headers.replaceOrAdd(name: "Transfer-Encoding", value: "chunked")
            try await outbound.write(.head(head))
            try await stream(body, outbound, until: channel)
            try await outbound.write(.end(nil))
        }
    }

    /// Runs a streamed body until it is done, or the client has gone: a quiet watch writes nothing that would notice it.
    private func stream(
        _ body: @escaping @Sendable (APIResponse.Writer) async throws -> Void, _ outbound: Outbound, until channel: any Channel
    ) async throws {
        // Not a child task: the channel's end must be able to cancel it, and nothing may wait for the channel's end.
        let task = Task { try await body { bytes in try await outbound.write(.body(.byteBuffer(bytes))) } }
        channel.closeFuture.whenComplete { _ in task.cancel() }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
