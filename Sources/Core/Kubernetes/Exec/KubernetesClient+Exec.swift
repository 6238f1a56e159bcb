public import Foundation
import NIOCore

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
    ) async throws(KubernetesError) -> ExecConnection.Outcome {
        let session = ExecSession()
        let connection = ExecConnection(
            configuration: configuration, group: eventLoopGroup, request: request, headers: headers(credential),
            clientCertificate: credential.clientCertificate, input: input, outputLimit: outputLimit, session: session)
        let left = end - .now
        let timer = eventLoopGroup.next().scheduleTask(in: .nanoseconds(Int64(left / .nanoseconds(1)))) {
            session.end(KubernetesError(.timeout, "no end of the command within \(deadline)", request: request.description))
        }
        defer { timer.cancel() }
        let result: Result<ExecConnection.Outcome, KubernetesError> = await withTaskCancellationHandler {
            do throws(KubernetesError) {
                return .success(try await connection.run(connectTimeout: min(left, .seconds(10))))
            } catch {
                return .failure(error)
            }
        } onCancel: {
            session.end(KubernetesError(.cancelled, "cancelled", request: request.description))
        }
        return try result.get()
    }
}
