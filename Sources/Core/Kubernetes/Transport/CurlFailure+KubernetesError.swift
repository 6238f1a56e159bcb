import CCurl
import Foundation

extension CurlFailure {
    /// The same failure in the terms of the person who wrote the kubeconfig.
    func error(_ configuration: ClusterConfiguration, certificate: ClientCertificate?, request: String) -> KubernetesError {
        let server = configuration.server
        func make(_ code: KubernetesError.Code, _ message: String, _ hint: String? = nil) -> KubernetesError {
            KubernetesError(code, message, hint: hint, request: request)
        }
        let authority = configuration.trust.authority?.origin ?? "the system's certificate authorities"
        if let proxy = configuration.proxy, isOfProxy(configuration) {
            return make(
                .proxyFailed, "\(server): \(proxy) failed: \(text)", "Check the proxy, and whether the server is to be reached through it.")
        }
        switch CURLcode(code) {
        case CURLE_OK: return make(.cancelled, "cancelled")
        case CURLE_COULDNT_RESOLVE_HOST:
            return make(.unreachable, "\(server): the host's name cannot be resolved", "Check 'server' in the kubeconfig and the DNS.")
        case CURLE_COULDNT_CONNECT:
            return make(.unreachable, "\(server): \(text)", "Is the API server running, and is this its address?")
        case CURLE_OPERATION_TIMEDOUT where !wasConnected:
            return make(.unreachable, "\(server): no connection: \(text)", "Is a firewall or a VPN in the way?")
        case CURLE_OPERATION_TIMEDOUT: return make(.timeout, "\(server): no complete answer: \(text)")
        case CURLE_PEER_FAILED_VERIFICATION:
            return verificationError(configuration, authority: authority, request: request)
        case CURLE_SSL_CERTPROBLEM:
            let origin = certificate?.chain.origin ?? "the client certificate"
            return make(.clientCertificateRejected, "\(origin): \(text)", "Do certificate and key belong together?")
        case CURLE_SSL_CACERT_BADFILE:
            return make(.certificateUnreadable, "\(authority): \(text)", "Check the certificate authority of the kubeconfig.")
        // libcurl's words for a limit of its own, for one of a line, which sound of memory, and for ours.
        case CURLE_RECV_ERROR where text.contains("Too large response headers"), CURLE_WRITE_ERROR, CURLE_OUT_OF_MEMORY:
            return make(
                .unexpectedAnswer, "\(server): the head of the answer is too large", "Is this the address of a Kubernetes API server?")
        case CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            return tlsError(configuration, certificate: certificate, request: request)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            return make(.connectionLost, "\(server): the connection ended before the answer did: \(text)")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return make(.unexpectedAnswer, "\(server): the answer is not HTTP: \(text)", "Is this the address of a Kubernetes API server?")
        default: return make(.connectionLost, "\(server): \(text)")
        }
    }

    /// Is `true` when it failed between here and the proxy, or at the proxy.
    private func isOfProxy(_ configuration: ClusterConfiguration) -> Bool {
        switch CURLcode(code) {
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY, CURLE_COULDNT_CONNECT: true
        case CURLE_OPERATION_TIMEDOUT: !wasConnected && !hadTunnel
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING: text.contains("CONNECT") || (!wasConnected && !hadTunnel)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR:
            // Only the TLS to the proxy itself comes before the tunnel.
            !hadTunnel && configuration.proxy?.url.hasPrefix("https:") == true
        default: false
        }
    }

    private func verificationError(_ configuration: ClusterConfiguration, authority: String, request: String) -> KubernetesError {
        let server = configuration.server
        switch verifyResult {
        // libcurl compares the names before it notes the chain's result.
        case _ where text.contains("subject name"):
            let name = configuration.trust.serverName ?? server.host
            return KubernetesError(
                .serverNameMismatch, "\(server): the server's certificate is not for '\(name)'",
                hint: "Use a name that is in the certificate as 'server', or set tls-server-name to one.", request: request)
        case 10:  // X509_V_ERR_CERT_HAS_EXPIRED
            return KubernetesError(
                .serverCertificateExpired, "\(server): the server's certificate has expired",
                hint: "Renew it on the control plane (and check this machine's clock).", request: request)
        case 9:  // X509_V_ERR_CERT_NOT_YET_VALID
            return KubernetesError(
                .serverCertificateExpired, "\(server): the server's certificate is not valid yet",
                hint: "Check this machine's clock.", request: request)
        default:
            return KubernetesError(
                .serverCertificateUntrusted, "\(server): the server's certificate is not signed by \(authority): \(text)",
                hint: "The kubeconfig's certificate-authority is not this cluster's. Fetch the kubeconfig again.", request: request)
        }
    }

    /// An alert of the server is about our certificate; it arrives during the handshake or, with TLS 1.3, with the first read.
    private func tlsError(_ configuration: ClusterConfiguration, certificate: ClientCertificate?, request: String) -> KubernetesError {
        let server = configuration.server
        if text.contains("alert") {
            let origin = certificate?.chain.origin ?? "no client certificate was given"
            let code: KubernetesError.Code = text.contains("expired") ? .clientCertificateExpired : .clientCertificateRejected
            return KubernetesError(
                code, "\(server): the server refused the client certificate (\(origin)): \(text)",
                hint: "Fetch the kubeconfig again, or renew the certificate.", request: request)
        }
        if CURLcode(code) == CURLE_SSL_CONNECT_ERROR {
            let hint = text.contains("wrong version number") ? "The server seems to speak plain HTTP there: check the port." : nil
            return KubernetesError(.tlsFailed, "\(server): no TLS connection: \(text)", hint: hint, request: request)
        }
        return KubernetesError(.connectionLost, "\(server): the connection broke: \(text)", request: request)
    }
}
