import Foundation
import JSON
import Network

extension KubernetesClient {
    /// The largest answer: a page of a list has 500 objects. It also bounds the memory of a request.
    private static let bodyLimit = 32 << 20
    /// The number of retries of a read after the server's `Retry-After`.
    private static let readAttempts = 5

    /// Sends a request, and returns after the head of a 2xx answer.
    ///
    /// After a 401 a read is sent once more with renewed credentials; a mutation is not.
    func open(_ request: KubernetesRequest) async throws(KubernetesError) -> CurlResponse {
        let credential = try await credentials.current()
        let response = try await start(request, credential)
        guard response.status == 401 else { return try await succeeded(response, request) }
        await credentials.reject(credential)
        if credentials.isRenewable, request.method == .get {
            let renewed = try await credentials.current()
            return try await succeeded(start(request, renewed), request, renewed)
        }
        return try await succeeded(response, request, credential)
    }

    private func start(_ request: KubernetesRequest, _ credential: Credential) async throws(KubernetesError) -> CurlResponse {
        do throws(CurlFailure) {
            return try await transport.start(try curlRequest(request, credential))
        } catch {
            throw error.error(configuration, certificate: credential.clientCertificate, request: request.description)
        }
    }

    private func succeeded(
        _ response: CurlResponse, _ request: KubernetesRequest, _ credential: Credential? = nil
    ) async throws(KubernetesError) -> CurlResponse {
        guard !(200..<300).contains(response.status) else { return response }
        let body = try await collect(response.body, request)
        if response.status == 407, let proxy = configuration.proxy {
            throw KubernetesError(
                .proxyFailed, "\(configuration.server): \(proxy) wants a login (HTTP 407)",
                hint: "Give it in the proxy's address: http://user:password@host:port.", httpStatus: 407, request: request.description)
        }
        var error = APIAnswer.error(
            status: response.status, headers: response.headers, body: body, request: request.description, server: configuration.server)
        if error.code == .unauthorized, let certificate = credential?.clientCertificate, let expiry = certificate.expiry,
            expiry < Date()
        {
            error.code = .clientCertificateExpired
            error.message = "\(certificate.chain.origin): the client certificate expired at \(expiry.ISO8601Format()): \(error.message)"
            error.hint = "Renew the certificate, or get a new kubeconfig."
        }
        throw error
    }

    /// Sends a request and returns the whole body of a 2xx answer.
    ///
    /// Waits for a mutation in flight up to the request's timeout, even if the task is cancelled. An aborted mutation could still be
    /// executed after the harness has looked for changes to restore.
    func data(_ request: KubernetesRequest) async throws(KubernetesError) -> [UInt8] {
        guard request.method != .get else { return try await answer(to: request) }
        guard !Task.isCancelled else { throw KubernetesError(.cancelled, "cancelled", request: request.description) }
        let sent = Task { () async -> Result<[UInt8], KubernetesError> in
            do throws(KubernetesError) {
                return .success(try await answer(to: request))
            } catch {
                return .failure(error)
            }
        }
        return try await sent.value.get()
    }

    private func answer(to request: KubernetesRequest) async throws(KubernetesError) -> [UInt8] {
        var request = request
        if request.timeout == nil { request.timeout = requestTimeout }
        var attempt = 1
        while true {
            do throws(KubernetesError) {
                return try await collect(open(request).body, request)
            } catch {
                guard request.method == .get, [429, 503].contains(error.httpStatus ?? 0), let seconds = error.retryAfterSeconds,
                    attempt < Self.readAttempts, Duration.seconds(seconds) < requestTimeout
                else { throw error }
                attempt += 1
                do { try await Task.sleep(for: .seconds(seconds)) } catch { throw KubernetesError(.cancelled, "cancelled") }
            }
        }
    }

    /// Sends a request and decodes its JSON answer.
    func value<Value: Decodable>(_ request: KubernetesRequest, as type: Value.Type = Value.self) async throws(KubernetesError) -> Value {
        try decode(await data(request), of: request)
    }

    func decode<Value: Decodable>(
        _ bytes: some Collection<UInt8>, of request: KubernetesRequest, as type: Value.Type = Value.self
    ) throws(KubernetesError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            let place = (error as? DecodingError)?.place ?? "not readable"
            throw KubernetesError(
                .unexpectedAnswer, "\(configuration.server): the answer is not the JSON of this API: \(place)",
                hint: "Is this the address of a Kubernetes API server?", request: request.description)
        }
    }

    private func collect(_ body: CurlBody, _ request: KubernetesRequest) async throws(KubernetesError) -> [UInt8] {
        // The parts are joined at the end, because a growing array needs its memory twice.
        var chunks: [[UInt8]] = []
        var count = 0
        var iterator = body.makeAsyncIterator()
        do throws(CurlFailure) {
            while let chunk = try await iterator.next(), count <= Self.bodyLimit {
                count += chunk.bytes.count
                chunks.append(chunk.bytes)
            }
        } catch {
            throw error.error(configuration, certificate: nil, request: request.description)
        }
        guard count <= Self.bodyLimit else {
            throw KubernetesError(
                .unexpectedAnswer, "\(configuration.server): the answer is larger than 32 MiB",
                hint: "Is this the address of a Kubernetes API server?", request: request.description)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for chunk in chunks { bytes += chunk }
        return bytes
    }

    // MARK: The HTTP request

    func curlRequest(_ request: KubernetesRequest, _ credential: Credential) throws(CurlFailure) -> CurlRequest {
        var curl = connectRequest(credential, target: request.target, timeout: request.timeout)
        curl.method = request.method.rawValue
        curl.headTimeout = request.headTimeout
        curl.tick = request.tick
        curl.headers = headers(credential) + ["Accept: \(request.accept)"]
        if curl.connectTo != nil { curl.headers.append("Host: \(configuration.server.authority)") }
        if let body = request.body {
            do {
                curl.body = [UInt8](try body.data())
            } catch {
                throw CurlFailure(code: 43, text: "the request's body cannot be encoded")
            }
            curl.headers.append("Content-Type: \(request.contentType)")
        }
        return curl
    }

    /// Returns the connection settings, with proxy and TLS, which are the same for all requests.
    func connectRequest(_ credential: Credential, target: String = "", timeout: Duration?) -> CurlRequest {
        let server = configuration.server
        let trust = configuration.trust
        let target = server.path + target
        var curl = CurlRequest(method: "GET", url: "\(server.isTLS ? "https" : "http")://\(server.authority)\(target)")
        if server.isTLS, let name = trust.serverName {
            curl.url = "https://\(HostPort.text(name, server.port))\(target)"
            curl.connectTo = server.authority
        }
        curl.authority = trust.authority?.bytes
        curl.isVerified = trust.isVerified
        curl.clientCertificate = credential.clientCertificate
        curl.proxy = configuration.proxy?.url
        curl.timeout = timeout
        if let timeout { curl.connectTimeout = min(curl.connectTimeout, timeout) }
        return curl
    }

    /// Returns the headers that identify the client, for requests and for the WebSocket upgrade.
    func headers(_ credential: Credential) -> [String] {
        var lines = ["User-Agent: aftershock"]
        if let authorization = credential.authorization { lines.append("Authorization: \(authorization)") }
        let impersonation = configuration.impersonation
        if let user = impersonation.user { lines.append("Impersonate-User: \(user)") }
        if let uid = impersonation.uid { lines.append("Impersonate-Uid: \(uid)") }
        lines += impersonation.groups.map { "Impersonate-Group: \($0)" }
        for (key, values) in impersonation.extra.sorted(by: { $0.key < $1.key }) {
            lines += values.map { "Impersonate-Extra-\(KubernetesRequest.escape(key)): \($0)" }
        }
        return lines.map { line in String(line.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }) }
    }
}
