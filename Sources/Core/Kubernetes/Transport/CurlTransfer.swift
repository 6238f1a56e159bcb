import CCurl
import NIOCore

/// One request and its answer: its callbacks and where the answer goes. Lives on the transport's thread only.
final class CurlTransfer: CurlJob {
    let easy: CurlEasy
    private let id: Int
    private let request: CurlRequest
    private let mailbox: CurlMailbox
    private var answer: CurlDelivery<CurlResponse>

    private var status = 0
    private var headers: [String: String] = [:]
    private var headSize = 0
    private let headDeadline: ContinuousClock.Instant?
    /// The moment of the next empty piece, unless a full one comes before.
    private var nextTick: ContinuousClock.Instant?
    /// The reader is full: the next piece pauses the transfer.
    private var isFull = false
    private var isPaused = false

    init(id: Int, request: CurlRequest, easy: CurlEasy, mailbox: CurlMailbox, continuation: CurlContinuation<CurlResponse>) {
        self.id = id
        self.request = request
        self.easy = easy
        self.mailbox = mailbox
        answer = CurlDelivery(continuation)
        headDeadline = request.headTimeout.map { .now + $0 }
    }

    // MARK: Options

    func configure() -> CurlFailure? {
        let context = Unmanaged.passUnretained(self).toOpaque()
        easy.set(CURLOPT_WRITEFUNCTION, function: curlReceiveBody)
        easy.set(CURLOPT_WRITEDATA, pointer: context)
        easy.set(CURLOPT_HEADERFUNCTION, function: curlReceiveHeader)
        easy.set(CURLOPT_HEADERDATA, pointer: context)
        if let body = request.body {
            easy.set(CURLOPT_POSTFIELDSIZE, body.count)
            easy.set(CURLOPT_COPYPOSTFIELDS, pointer: body)
        }
        if request.method != "GET" || request.body != nil {
            easy.set(CURLOPT_CUSTOMREQUEST, request.method)
            // libcurl repeats a request on its own when a kept connection turns out dead. A mutation must not be sent twice.
            easy.set(CURLOPT_FRESH_CONNECT, 1)
        }
        if let signature = request.signature {
            easy.set(CURLOPT_AWS_SIGV4, signature.scope)
            easy.set(CURLOPT_USERNAME, signature.user)
            easy.set(CURLOPT_PASSWORD, signature.secret)
            // It signs all of the headers here, also one that is left out on the way, and a name that proxies may change.
            easy.set(CURLOPT_USERAGENT, "aftershock")
            easy.setHeaders(request.headers)
        } else {
            easy.setHeaders(request.headers + ["Expect:"])
        }
        return easy.refusal
    }

    // MARK: The answer

    /// Returns whether the head is of a size that an API server sends.
    fileprivate func receiveHeader(_ line: String) -> Bool {
        headSize += line.utf8.count
        guard headSize <= CurlRequest.headLimit else { return false }
        if line.hasPrefix("HTTP/") {
            let words = line.split(separator: " ", maxSplits: 2)
            status = words.count > 1 ? Int(words[1]) ?? 0 : 0
            headers = [:]
        } else if line.isEmpty {
            // 1xx answers come before the one that counts.
            if status >= 200 { deliverHead() }
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[line[..<colon].lowercased()] = String(value)
        }
        return true
    }

    private func deliverHead() {
        guard answer.isAwaited else { return }
        nextTick = request.tick.map { .now + $0 }
        answer.begin(id: id, mailbox: mailbox) { CurlResponse(status: status, headers: headers, body: $0) }
    }

    /// Returns the number of bytes taken, or libcurl's code for "pause".
    fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isFull else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        yield([UInt8](bytes), at: .now)
        return bytes.count
    }

    private func yield(_ bytes: [UInt8], at now: ContinuousClock.Instant) {
        nextTick = request.tick.map { now + $0 }
        switch answer.yield(BodyChunk(bytes: bytes, receivedAt: now)) {
        case .produceMore: break
        case .stopProducing: isFull = true
        // The reader is gone; its cancellation is on the way.
        case .dropped, nil: break
        }
    }

    func perform(now: ContinuousClock.Instant) -> Result<Void, CurlFailure>? {
        if answer.isAwaited, let headDeadline, now >= headDeadline {
            return .failure(CurlFailure(code: CURLE_OPERATION_TIMEDOUT.rawValue, text: "the answer does not begin", wasConnected: true))
        }
        if let nextTick, now >= nextTick, !isFull { yield([], at: now) }
        return nil
    }

    func longestWait(now: ContinuousClock.Instant) -> Duration {
        let next = answer.isAwaited ? headDeadline : isFull ? nil : nextTick
        return next.map { max(.zero, $0 - now) } ?? .seconds(60)
    }

    func resume() {
        isFull = false
        guard isPaused else { return }
        isPaused = false
        curl_easy_pause(easy.handle, CURLPAUSE_CONT)
    }

    func completed() -> Bool { true }

    func finish(_ result: Result<Void, CurlFailure>) {
        // An HTTP answer would have delivered its head by now.
        answer.finish(result, headless: CurlFailure(code: CURLE_WEIRD_SERVER_REPLY.rawValue, text: "no HTTP answer"))
    }
}

private func curlReceiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func curlReceiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    var line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
    while let last = line.last, last.isNewline || last == " " { line.removeLast() }
    let isTaken = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().receiveHeader(line)
    return isTaken ? size * count : 0
}
