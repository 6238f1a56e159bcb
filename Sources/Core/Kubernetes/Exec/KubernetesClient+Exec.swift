public import Foundation

extension KubernetesClient {
    /// Runs a command in a container and waits for its end, over WebSocket (`pods/exec`, remote command protocol v5 or v4).
    ///
    /// On a dead node the API server itself waits for most of a minute; `deadline` bounds the whole of it here.
    ///
    /// - Parameters:
    ///   - input: the command's standard input. Servers that speak v4 only cannot be told that it has ended:
    ///     a command that reads to the end of its input runs into the deadline there.
    ///   - outputLimit: bytes that are kept of each, standard output and standard error.
    /// - Returns: the outcome, which is ``ExecResult/Outcome/unknown(_:)`` when the connection or the deadline ended before the command did.
    /// - Throws: ``KubernetesError`` when the command was not started as far as can be known: no connection, or the server's refusal.
    public func exec(
        _ command: [String], pod: String, in namespace: String? = nil, container: String? = nil, input: Data? = nil,
        deadline: Duration = .seconds(20), outputLimit: Int = 1 << 20
    ) async throws(KubernetesError) -> ExecResult {
        let request = ExecRequest(
            namespace: namespace ?? self.namespace, pod: pod, container: container, command: command, hasInput: input != nil)
        let end = ContinuousClock.now + deadline
        var credential = try await credentials.current()
        var outcome = try await attempt(request, credential, input: input, outputLimit: outputLimit, end: end, deadline: deadline)
        if case .refused(let refusal) = outcome, refusal.status == 401 {
            await credentials.reject(credential)
            if credentials.isRenewable {
                credential = try await credentials.current()
                outcome = try await attempt(request, credential, input: input, outputLimit: outputLimit, end: end, deadline: deadline)
            }
        }
        switch outcome {
        case .ended(let result): return result
        case .refused(let refusal):
            throw APIAnswer.error(
                status: refusal.status, headers: refusal.headers, body: refusal.body, request: request.description,
                server: configuration.server)
        }
    }

    private func attempt(
        _ request: ExecRequest, _ credential: Credential, input: Data?, outputLimit: Int, end: ContinuousClock.Instant, deadline: Duration
    ) async throws(KubernetesError) -> ExecConversation.Outcome {
        func explained<Value>(_ body: () async throws(CurlFailure) -> Value) async throws(KubernetesError) -> Value {
            do throws(CurlFailure) {
                return try await body()
            } catch {
                if error.isTimeout, error.wasConnected {
                    throw KubernetesError(.timeout, "no end of the command within \(deadline)", request: request.description)
                }
                throw error.error(configuration, certificate: credential.clientCertificate, request: request.description)
            }
        }
        let server = configuration.server
        let lines = ["GET \(server.path + request.target) HTTP/1.1", "Host: \(server.authority)"]
        var conversation = ExecConversation(lines + headers(credential), input: input, outputLimit: outputLimit)
        do throws(KubernetesError) {
            let way = connectRequest(credential, timeout: max(.milliseconds(1), end - .now))
            let connection = try await explained { () throws(CurlFailure) in try await transport.connect(way) }
            connection.send(conversation.head)
            var body = connection.body.makeAsyncIterator()
            while let chunk = try await explained({ () throws(CurlFailure) in try await body.next() }) {
                let reply = try conversation.received(chunk.bytes)
                if !reply.isEmpty { connection.send(reply) }
                if let outcome = conversation.outcome { return outcome }
            }
        } catch {
            // Once the command may have been started, what came until then is the result.
            guard let outcome = conversation.ended(error.message), case .ended = outcome else { throw error }
            return outcome
        }
        if let outcome = conversation.ended("the connection was lost before the command's end was known") { return outcome }
        throw KubernetesError(
            .connectionLost, "\(server): the connection ended before the command was started", request: request.description)
    }
}
