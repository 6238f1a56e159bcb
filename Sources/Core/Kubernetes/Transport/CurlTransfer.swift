import CCurl
import Glibc
import NIOCore

/// One transfer: its easy handle, its callbacks and where its answer goes. Lives on the transport's thread only.
final class CurlTransfer {
    let handle: UnsafeMutableRawPointer
    private let id: Int
    private let request: CurlRequest
    private let mailbox: CurlMailbox
    private var continuation: CheckedContinuation<Result<CurlResponse, CurlFailure>, Never>?
    private var source: CurlBody.Producer.Source?
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectList: UnsafeMutablePointer<curl_slist>?

    private var status = 0
    private var headers: [String: String] = [:]
    /// The reader is full: the next piece pauses the transfer.
    private var isFull = false
    private var isPaused = false

    init?(
        id: Int, request: CurlRequest, mailbox: CurlMailbox,
        continuation: CheckedContinuation<Result<CurlResponse, CurlFailure>, Never>
    ) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.id = id
        self.request = request
        self.mailbox = mailbox
        self.continuation = continuation
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerList)
        curl_slist_free_all(connectList)
        errorText.deallocate()
    }

    // MARK: Options

    /// Sets every option; answers what libcurl refuses.
    func configure() -> CurlFailure? {
        var failure: CurlFailure?
        func check(_ code: CURLcode) {
            if code != CURLE_OK, failure == nil { failure = self.failure(code) }
        }
        func set(_ option: CURLoption, _ value: Int) { check(curl_easy_setopt_long(handle, option, value)) }
        func set(_ option: CURLoption, _ value: String?) { check(curl_easy_setopt_string(handle, option, value)) }
        func set(_ option: CURLoption, _ value: [UInt8]) { check(curl_easy_setopt_blob(handle, option, value, value.count)) }

        let context = Unmanaged.passUnretained(self).toOpaque()
        check(curl_easy_setopt_pointer(handle, CURLOPT_ERRORBUFFER, errorText))
        check(curl_easy_setopt_data_function(handle, CURLOPT_WRITEFUNCTION, curlReceiveBody))
        check(curl_easy_setopt_pointer(handle, CURLOPT_WRITEDATA, context))
        check(curl_easy_setopt_data_function(handle, CURLOPT_HEADERFUNCTION, curlReceiveHeader))
        check(curl_easy_setopt_pointer(handle, CURLOPT_HEADERDATA, context))
        check(curl_easy_setopt_socket_function(handle, curlPrepareSocket))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // One connection for each transfer: what breaks one watch breaks no other.
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_URL, request.url)
        set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.curlMilliseconds)
        if let timeout = request.timeout { set(CURLOPT_TIMEOUT_MS, timeout.curlMilliseconds) }
        if let connectTo = request.connectTo {
            connectList = curl_slist_append(nil, "::\(connectTo)")
            check(curl_easy_setopt_list(handle, CURLOPT_CONNECT_TO, connectList))
        }
        if let proxy = request.proxy {
            set(CURLOPT_PROXY, proxy)
            // The kubeconfig's proxy counts for this cluster whatever NO_PROXY says.
            set(CURLOPT_NOPROXY, "")
        }
        setMethod(set, check)
        setTLS(set, set, set)
        return failure
    }

    private func setMethod(_ set: (CURLoption, Int) -> Void, _ check: (CURLcode) -> Void) {
        if let body = request.body {
            check(curl_easy_setopt_long(handle, CURLOPT_POSTFIELDSIZE, body.count))
            check(curl_easy_setopt_pointer(handle, CURLOPT_COPYPOSTFIELDS, body))
        }
        if request.method != "GET" || request.body != nil {
            check(curl_easy_setopt_string(handle, CURLOPT_CUSTOMREQUEST, request.method))
            // libcurl repeats a request on its own when a kept connection turns out dead. A mutation must not be sent twice.
            set(CURLOPT_FRESH_CONNECT, 1)
        }
        for line in request.headers + ["Expect:"] { headerList = curl_slist_append(headerList, line) }
        check(curl_easy_setopt_list(handle, CURLOPT_HTTPHEADER, headerList))
    }

    private func setTLS(
        _ number: (CURLoption, Int) -> Void, _ text: (CURLoption, String?) -> Void, _ blob: (CURLoption, [UInt8]) -> Void
    ) {
        number(CURLOPT_SSL_VERIFYPEER, request.isVerified ? 1 : 0)
        number(CURLOPT_SSL_VERIFYHOST, request.isVerified ? 2 : 0)
        if let authority = request.authority {
            blob(CURLOPT_CAINFO_BLOB, authority)
            // Without this libcurl 7.88 goes on trusting the system's folder of authorities beside the one given.
            text(CURLOPT_CAPATH, nil)
        }
        if let certificate = request.clientCertificate {
            text(CURLOPT_SSLCERTTYPE, "PEM")
            text(CURLOPT_SSLKEYTYPE, "PEM")
            blob(CURLOPT_SSLCERT_BLOB, certificate.chain.bytes)
            blob(CURLOPT_SSLKEY_BLOB, certificate.key.bytes)
        }
    }

    // MARK: The answer

    fileprivate func receiveHeader(_ line: String) {
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
    }

    private func deliverHead() {
        guard let continuation else { return }
        self.continuation = nil
        let (source, body) = CurlBody.make(id: id, mailbox: mailbox)
        self.source = source
        continuation.resume(returning: .success(CurlResponse(status: status, headers: headers, body: body)))
    }

    /// Returns the number of bytes taken, or libcurl's code for "pause".
    fileprivate func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard !isFull else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        switch source?.yield(BodyChunk(bytes: [UInt8](bytes), receivedAt: .now)) {
        case .produceMore: break
        case .stopProducing: isFull = true
        // The reader is gone; its cancellation is on the way.
        case .dropped, nil: break
        }
        return bytes.count
    }

    func resume() {
        isFull = false
        guard isPaused else { return }
        isPaused = false
        curl_easy_pause(handle, CURLPAUSE_CONT)
    }

    /// The failure that a result code stands for; `nil` for success.
    func failure(_ code: CURLcode) -> CurlFailure? {
        guard code != CURLE_OK else { return nil }
        var verifyResult = 0
        curl_easy_getinfo_long(handle, CURLINFO_SSL_VERIFYRESULT, &verifyResult)
        var connected: curl_off_t = 0
        let isTLS = request.url.hasPrefix("https:")
        curl_easy_getinfo_offset(handle, isTLS ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &connected)
        let text = String(cString: errorText)
        return CurlFailure(
            code: code.rawValue, text: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text, verifyResult: verifyResult,
            wasConnected: connected > 0)
    }

    func finish(_ result: Result<Void, CurlFailure>) {
        switch result {
        case .success:
            // A complete answer has had its head; anything else is no HTTP.
            continuation?.resume(returning: .failure(CurlFailure(code: CURLE_WEIRD_SERVER_REPLY.rawValue, text: "no HTTP answer")))
            source?.finish()
        case .failure(let failure):
            continuation?.resume(returning: .failure(failure))
            source?.finish(failure)
        }
        continuation = nil
        source = nil
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
    Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().receiveHeader(line)
    return size * count
}

/// A node or an API server can vanish without a word: notice within 20 s, also when nothing is being sent.
private func curlPrepareSocket(_ context: UnsafeMutableRawPointer?, _ socket: curl_socket_t, _ purpose: curlsocktype) -> Int32 {
    func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        withUnsafeBytes(of: value) { _ = setsockopt(socket, level, option, $0.baseAddress, socklen_t($0.count)) }
    }
    set(SOL_SOCKET, SO_KEEPALIVE, 1)
    set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 5)
    set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
    set(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    set(Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 20_000)
    return CURL_SOCKOPT_OK
}

extension Duration {
    /// libcurl takes 0 for "no limit": a positive duration stays positive.
    fileprivate var curlMilliseconds: Int { max(1, Int(self / .milliseconds(1))) }
}
