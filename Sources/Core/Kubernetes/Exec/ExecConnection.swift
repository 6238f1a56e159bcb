import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Opens the WebSocket of one exec and waits for the command's end.
struct ExecConnection {
    enum Outcome: Sendable {
        case ended(ExecResult)
        case refused(ExecRefusal)
    }

    var configuration: ClusterConfiguration
    var group: any EventLoopGroup
    var request: ExecRequest
    /// Lines `Name: value`.
    var headers: [String]
    var clientCertificate: ClientCertificate?
    var input: Data?
    var outputLimit: Int
    var session: ExecSession

    func run(connectTimeout: Duration) async throws(KubernetesError) -> Outcome {
        let tls = try tlsContext()
        do {
            return try await connect(tls, timeout: connectTimeout).get()
        } catch {
            throw session.failure ?? explain(error)
        }
    }

    private func connect(_ tls: NIOSSLContext?, timeout: Duration) async throws -> EventLoopFuture<Outcome> {
        let server = configuration.server
        let proxy = try proxyAddress()
        let lines = ["GET \(server.path + request.target) HTTP/1.1", "Host: \(server.authority)"] + headers
        return try await ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: proxy?.host ?? server.host, port: proxy?.port ?? server.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    session.attach(channel)
                    let pipeline = channel.pipeline.syncOperations
                    if proxy != nil { try pipeline.addHandler(ProxyConnectHandler(target: server.authority)) }
                    if let tls {
                        let name = configuration.trust.serverName ?? server.host
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name.isIPAddress ? nil : name))
                    }
                    let promise = channel.eventLoop.makePromise(of: Outcome.self)
                    try pipeline.addHandler(
                        ExecUpgradeHandler(
                            head: lines, input: input, outputLimit: outputLimit, session: session, promise: promise, explain: explain))
                    return promise.futureResult
                }
            }
    }

    // MARK: TLS, proxy, errors

    private func tlsContext() throws(KubernetesError) -> NIOSSLContext? {
        guard configuration.server.isTLS else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.applicationProtocols = ["http/1.1"]
        if let authority = configuration.trust.authority { tls.trustRoots = .certificates(try authority.certificates()) }
        if !configuration.trust.isVerified { tls.certificateVerification = .none }
        if let clientCertificate {
            tls.certificateChain = try clientCertificate.chain.certificates().map { .certificate($0) }
            tls.privateKey = .privateKey(try clientCertificate.key.privateKey())
        }
        do {
            return try NIOSSLContext(configuration: tls)
        } catch {
            throw KubernetesError(
                .clientCertificateRejected, "\(clientCertificate?.chain.origin ?? "the client certificate"): it cannot be used",
                hint: "Do certificate and key belong together?")
        }
    }

    private func proxyAddress() throws(KubernetesError) -> (host: String, port: Int)? {
        guard let proxy = configuration.proxy else { return nil }
        guard let parts = URLComponents(string: proxy), parts.scheme == "http", let host = parts.host, parts.user == nil else {
            throw KubernetesError(
                .unsupported, "exec through this kind of proxy is not supported",
                hint: "proxy-url can be http://host:port without a password for exec.", request: request.description)
        }
        return (host, parts.port ?? 80)
    }

    private func explain(_ error: any Error) -> KubernetesError {
        if let error = error as? KubernetesError { return error }
        let server = configuration.server
        func make(_ code: KubernetesError.Code, _ message: String, _ hint: String? = nil) -> KubernetesError {
            KubernetesError(code, "\(server): \(message)", hint: hint, request: request.description)
        }
        switch error {
        case let error as NIOConnectionError:
            return make(.unreachable, error.reason, "Is the API server running, and is this its address?")
        case ChannelError.connectTimeout: return make(.unreachable, "no connection within the deadline")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return make(
                .serverNameMismatch, "the server's certificate is not for this host", "Set tls-server-name to a name that is in it.")
        case NIOSSLError.handshakeFailed(let reason):
            let text = "\(reason)"
            if text.contains("CERTIFICATE_VERIFY_FAILED") {
                return make(
                    .serverCertificateUntrusted,
                    "the server's certificate is not trusted by \(configuration.trust.authority?.origin ?? "the system's authorities")")
            }
            return make(text.contains("ALERT") ? .clientCertificateRejected : .tlsFailed, "no TLS connection")
        default: return make(.connectionLost, "the connection broke before the command was started")
        }
    }
}

extension NIOConnectionError {
    fileprivate var reason: String {
        if connectionErrors.isEmpty { return "the host's name cannot be resolved" }
        return connectionErrors.contains { ($0.error as? ChannelError) != nil } ? "no connection within the deadline" : "connection refused"
    }
}

extension String {
    fileprivate var isIPAddress: Bool {
        do {
            _ = try SocketAddress(ipAddress: self, port: 0)
            return true
        } catch {
            return false
        }
    }
}
