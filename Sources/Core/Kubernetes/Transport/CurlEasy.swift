import CCurl
import Glibc

/// An easy handle with the options that every use of it shares: the address, the proxy, TLS, and how long to wait. Lives on the
/// transport's thread only.
final class CurlEasy {
    let handle: UnsafeMutableRawPointer
    private let request: CurlRequest
    private let errorText: UnsafeMutablePointer<CChar>
    private var connectList: UnsafeMutablePointer<curl_slist>?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    /// The first option that libcurl refused.
    private(set) var refusal: CurlFailure?

    init?(_ request: CurlRequest) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.request = request
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setConnection()
        setProxy()
        setTLS()
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerList)
        curl_slist_free_all(connectList)
        errorText.deallocate()
    }

    // MARK: Options

    func set(_ option: CURLoption, _ value: Int) { check(curl_easy_setopt_long(handle, option, value)) }
    func set(_ option: CURLoption, _ value: String?) { check(curl_easy_setopt_string(handle, option, value)) }
    func set(_ option: CURLoption, blob: [UInt8]) { check(curl_easy_setopt_blob(handle, option, blob, blob.count)) }
    func set(_ option: CURLoption, pointer: UnsafeRawPointer?) { check(curl_easy_setopt_pointer(handle, option, pointer)) }
    func set(_ option: CURLoption, function: curl_data_function) { check(curl_easy_setopt_data_function(handle, option, function)) }

    func setHeaders(_ lines: [String]) {
        for line in lines { headerList = curl_slist_append(headerList, line) }
        check(curl_easy_setopt_list(handle, CURLOPT_HTTPHEADER, headerList))
    }

    private func check(_ code: CURLcode) {
        if code != CURLE_OK, refusal == nil { refusal = failure(code) }
    }

    private func setConnection() {
        set(CURLOPT_ERRORBUFFER, pointer: errorText)
        check(curl_easy_setopt_socket_function(handle, curlPrepareSocket))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // One connection for each transfer: what breaks one watch breaks no other. The WebSocket needs it as well.
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_URL, request.url)
        set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.curlMilliseconds)
        if let timeout = request.timeout { set(CURLOPT_TIMEOUT_MS, timeout.curlMilliseconds) }
        if let connectTo = request.connectTo {
            connectList = curl_slist_append(nil, "::\(connectTo)")
            check(curl_easy_setopt_list(handle, CURLOPT_CONNECT_TO, connectList))
        }
    }

    /// The configuration has settled already whether there is a proxy: libcurl's own look at the environment is off.
    private func setProxy() {
        set(CURLOPT_PROXY, request.proxy ?? "")
        set(CURLOPT_NOPROXY, "")
        guard request.proxy != nil else { return }
        // As Go's client, to which a TLS proxy is one more server of the same trust.
        set(CURLOPT_PROXY_SSL_VERIFYPEER, request.isVerified ? 1 : 0)
        set(CURLOPT_PROXY_SSL_VERIFYHOST, request.isVerified ? 2 : 0)
        if let authority = request.authority {
            set(CURLOPT_PROXY_CAINFO_BLOB, blob: authority)
            set(CURLOPT_PROXY_CAPATH, nil)
        }
    }

    private func setTLS() {
        set(CURLOPT_SSL_VERIFYPEER, request.isVerified ? 1 : 0)
        set(CURLOPT_SSL_VERIFYHOST, request.isVerified ? 2 : 0)
        if let authority = request.authority {
            set(CURLOPT_CAINFO_BLOB, blob: authority)
            // Without this libcurl 7.88 goes on trusting the system's folder of authorities beside the one given.
            set(CURLOPT_CAPATH, nil)
        }
        if let certificate = request.clientCertificate {
            set(CURLOPT_SSLCERTTYPE, "PEM")
            set(CURLOPT_SSLKEYTYPE, "PEM")
            set(CURLOPT_SSLCERT_BLOB, blob: certificate.chain.bytes)
            set(CURLOPT_SSLKEY_BLOB, blob: certificate.key.bytes)
        }
    }

    // MARK: Results

    /// The failure that a result code stands for; `nil` for success.
    func failure(_ code: CURLcode) -> CurlFailure? {
        guard code != CURLE_OK else { return nil }
        var verifyResult = 0
        curl_easy_getinfo_long(handle, CURLINFO_SSL_VERIFYRESULT, &verifyResult)
        var connected: curl_off_t = 0
        let isTLS = request.url.hasPrefix("https:")
        curl_easy_getinfo_offset(handle, isTLS ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T, &connected)
        var tunnel = 0
        curl_easy_getinfo_long(handle, CURLINFO_HTTP_CONNECTCODE, &tunnel)
        let text = String(cString: errorText)
        return CurlFailure(
            code: code.rawValue, text: text.isEmpty ? String(cString: curl_easy_strerror(code)) : text, verifyResult: verifyResult,
            wasConnected: connected > 0, hadTunnel: tunnel == 200)
    }
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
    /// libcurl takes 0 for "no limit": a positive duration stays positive. More than 24 days is as good as no limit, and its greatest.
    fileprivate var curlMilliseconds: Int { Int(max(1, min(self / .milliseconds(1), Double(Int32.max)))) }
}
