import CCurl
import NIOCore

/// A connection through proxy and TLS that carries whatever its two ends agree on, not libcurl's HTTP. Lives on the transport's thread only.
final class CurlTunnel: CurlJob {
    /// The bytes that wait to be sent when the server does not read. A server that asks for more answers than this is none.
    private static let outboxLimit = 64 << 20
    /// Pieces that are read before other transfers have their turn.
    private static let piecesPerTurn = 16

    let easy: CurlEasy
    private let id: Int
    private let mailbox: CurlMailbox
    private let deadline: ContinuousClock.Instant?
    private var answer: CurlDelivery<CurlConnection>
    /// Once it stands.
    private var socket: curl_socket_t?
    private var isFull = false
    private var hasMore = false
    private var outbox: ArraySlice<[UInt8]> = []
    private var outboxSize = 0
    /// Of the first message of the outbox.
    private var sentBytes = 0

    init(id: Int, request: CurlRequest, easy: CurlEasy, mailbox: CurlMailbox, continuation: CurlContinuation<CurlConnection>) {
        self.id = id
        self.easy = easy
        self.mailbox = mailbox
        answer = CurlDelivery(continuation)
        deadline = request.timeout.map { .now + $0 }
    }

    func configure() -> CurlFailure? {
        easy.set(CURLOPT_CONNECT_ONLY, 1)
        // Also to a plain HTTP server: the proxy is to pass the bytes on, not to understand them.
        easy.set(CURLOPT_HTTPPROXYTUNNEL, 1)
        easy.set(CURLOPT_FRESH_CONNECT, 1)
        return easy.refusal
    }

    /// The connection stands: from here on its socket is looked after by ``perform(now:)``.
    func completed() -> Bool {
        var socket: curl_socket_t = -1
        guard curl_easy_getinfo_socket(easy.handle, &socket) == CURLE_OK, socket >= 0 else { return true }
        self.socket = socket
        answer.begin(id: id, mailbox: mailbox) { CurlConnection(id: id, mailbox: mailbox, body: $0) }
        return false
    }

    var wait: curl_waitfd? {
        guard let socket else { return nil }
        let events = (isFull ? 0 : CURL_WAIT_POLLIN) | (outbox.isEmpty ? 0 : CURL_WAIT_POLLOUT)
        return curl_waitfd(fd: socket, events: Int16(events), revents: 0)
    }

    func longestWait(now: ContinuousClock.Instant) -> Duration {
        if hasMore, !isFull { return .zero }
        return deadline.map { max(.zero, $0 - now) } ?? .seconds(60)
    }

    func send(_ bytes: [UInt8]) {
        outbox.append(bytes)
        outboxSize += bytes.count
        // At once, because the next command can be to close.
        _ = flush()
    }

    func resume() { isFull = false }

    func perform(now: ContinuousClock.Instant) -> Result<Void, CurlFailure>? {
        guard socket != nil else { return nil }
        if let deadline, now >= deadline {
            return .failure(CurlFailure(code: CURLE_OPERATION_TIMEDOUT.rawValue, text: "the deadline has passed", wasConnected: true))
        }
        if outboxSize > Self.outboxLimit {
            return .failure(CurlFailure(code: CURLE_SEND_ERROR.rawValue, text: "the server does not read", wasConnected: true))
        }
        // The last words of a server are read also when nothing can be sent to it any more: they can say why.
        return receive() ?? flush().map(Result.failure)
    }

    private func flush() -> CurlFailure? {
        while socket != nil, let message = outbox.first {
            var count = 0
            // A message keeps its place in memory until all of it is sent, which OpenSSL wants of a write that is repeated.
            let code = message.withUnsafeBytes { bytes in
                curl_easy_send(easy.handle, bytes.baseAddress.map { $0 + sentBytes }, bytes.count - sentBytes, &count)
            }
            if code == CURLE_AGAIN { return nil }
            if let failure = easy.failure(code) { return failure.connected }
            sentBytes += count
            guard sentBytes >= message.count else { continue }
            outbox.removeFirst()
            outboxSize -= message.count
            sentBytes = 0
        }
        return nil
    }

    private func receive() -> Result<Void, CurlFailure>? {
        hasMore = false
        var pieces = 0
        while !isFull {
            guard pieces < Self.piecesPerTurn else {
                // libcurl may hold bytes that the socket no longer has.
                hasMore = true
                return nil
            }
            pieces += 1
            var code = CURLE_OK
            let piece = [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
                code = curl_easy_recv(easy.handle, buffer.baseAddress, buffer.count, &count)
                if code != CURLE_OK { count = 0 }
            }
            if code == CURLE_AGAIN { return nil }
            if let failure = easy.failure(code) { return .failure(failure.connected) }
            guard !piece.isEmpty else { return .success(()) }
            switch answer.yield(BodyChunk(bytes: piece, receivedAt: .now)) {
            case .produceMore: break
            case .stopProducing: isFull = true
            // The reader is gone; its cancellation is on the way.
            case .dropped, nil: return nil
            }
        }
        return nil
    }

    func finish(_ result: Result<Void, CurlFailure>) {
        answer.finish(result, headless: CurlFailure(code: CURLE_COULDNT_CONNECT.rawValue, text: "no connection"))
    }
}

extension CurlFailure {
    /// The same failure of a connection that stood.
    fileprivate var connected: CurlFailure {
        var failure = self
        failure.wasConnected = true
        return failure
    }
}
