import Certificates
import Foundation
import Testing

@testable import Kubernetes

@Suite struct TransportTLSTests {
    private let version = #"{"major": "1", "minor": "20", "gitVersion": "v1.20.2"}"#

    private func trust(_ authority: CertificateAuthority, serverName: String? = nil) throws -> ClusterConfiguration.Trust {
        .init(authority: PEM(bytes: Array(try authority.pem.utf8), origin: "/etc/ca.crt"), serverName: serverName)
    }

    private func certificate(_ identity: IssuedCertificate, key: IssuedCertificate? = nil) -> ClientCertificate {
        ClientCertificate(
            chain: PEM(bytes: Array(identity.certificate.utf8), origin: "/etc/admin.crt"),
            key: PEM(bytes: Array((key ?? identity).key.utf8), origin: "/etc/admin.key"))
    }

    /// A request to a TLS server; what the server saw counts for nothing here.
    private func ask(
        _ authority: CertificateAuthority, _ identity: IssuedCertificate, clients: CertificateAuthority? = nil,
        trust: ClusterConfiguration.Trust,
        certificate: ClientCertificate? = nil, status: Int = 200
    ) async throws -> ServerVersion {
        let version = version
        return try await TestServer.run(tls: try identity.serverTLS(clients: clients)) { _, peer in
            peer.answer(status, status == 200 ? version : #"{"status": "Failure", "message": "Unauthorized", "code": 401}"#)
        } body: { server in
            let configuration = try ClusterConfiguration.test(
                port: server.port, isTLS: true, trust: trust, authentication: .init(clientCertificate: certificate))
            return try await KubernetesClient(configuration).version()
        }
    }

    @Test func theKubeconfigsAuthorityIsTrusted() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        #expect(try await ask(authority, authority.issue(name: "s"), trust: trust(authority)).minor == "20")
    }

    @Test func anotherAuthorityIsNot() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s")
        let other = try trust(CertificateAuthority(name: "other"))
        let error = try await failure { try await ask(authority, identity, trust: other) }
        #expect(error.code == .serverCertificateUntrusted)
        #expect(error.message.contains("/etc/ca.crt") && error.hint != nil)
        // Nor is it by the system.
        #expect(try await failure { try await ask(authority, identity, trust: .init()) }.code == .serverCertificateUntrusted)
        #expect(try await ask(authority, identity, trust: .init(isVerified: false)).minor == "20")
    }

    @Test func anExpiredServer() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s", validity: Date(timeIntervalSinceNow: -3600)..<Date(timeIntervalSinceNow: -60))
        let trust = try trust(authority)
        #expect(try await failure { try await ask(authority, identity, trust: trust) }.code == .serverCertificateExpired)
    }

    @Test func aNameThatIsNotInTheCertificateAndTheOneThatIs() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s", addresses: [], hosts: ["kubernetes.inner"])
        let plain = try trust(authority)
        let mismatch = try await failure { try await ask(authority, identity, trust: plain) }
        #expect(mismatch.code == .serverNameMismatch, "\(mismatch)")
        #expect(try await ask(authority, identity, trust: trust(authority, serverName: "kubernetes.inner")).minor == "20")
        let wrong = try trust(authority, serverName: "other.inner")
        let error = try await failure { try await ask(authority, identity, trust: wrong) }
        #expect(error.code == .serverNameMismatch && error.message.contains("other.inner"))
    }

    @Test func clientCertificates() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s")
        let trust = try trust(authority)
        let admin = certificate(try authority.issue(name: "admin"))
        #expect(try await ask(authority, identity, clients: authority, trust: trust, certificate: admin).minor == "20")
        let stranger = certificate(try CertificateAuthority(name: "x").issue(name: "stranger"))
        let refused = try await failure { try await ask(authority, identity, clients: authority, trust: trust, certificate: stranger) }
        #expect(refused.code == .clientCertificateRejected, "\(refused)")
        let mixed = certificate(try authority.issue(name: "a"), key: try authority.issue(name: "b"))
        let mismatch = try await failure { try await ask(authority, identity, clients: authority, trust: trust, certificate: mixed) }
        #expect(mismatch.code == .clientCertificateRejected && mismatch.message.contains("/etc/admin.crt"))
    }

    @Test func anExpiredClientCertificate() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s")
        let trust = try trust(authority)
        let expired = certificate(
            try authority.issue(name: "admin", validity: Date(timeIntervalSinceNow: -3600)..<Date(timeIntervalSinceNow: -60)))
        // A server that insists in the handshake, and an API server, which takes it for an anonymous request.
        let alert = try await failure { try await ask(authority, identity, clients: authority, trust: trust, certificate: expired) }
        #expect(alert.code == .clientCertificateExpired, "\(alert)")
        let unauthorized = try await failure { try await ask(authority, identity, trust: trust, certificate: expired, status: 401) }
        #expect(unauthorized.code == .clientCertificateExpired)
        #expect(unauthorized.message.contains("/etc/admin.crt"))
    }

    @Test func plainHTTPBehindHTTPS() async throws {
        try await TestServer.run {
            $1.answer()
        } body: { server in
            let error = try await failure { try await KubernetesClient(.test(port: server.port, isTLS: true)).version() }
            #expect(error.code == .tlsFailed && error.hint?.contains("plain HTTP") == true, "\(error)")
        }
    }

    @Test func anHTTPProxy() async throws {
        let proxied = #"{"major": "1", "minor": "99", "gitVersion": "v1.99"}"#
        try await TestServer.run {
            $1.answer(200, proxied)
        } body: { server in
            let configuration = try ClusterConfiguration.test(port: 1, proxy: "http://127.0.0.1:\(server.port)")
            #expect(try await KubernetesClient(configuration).version().minor == "99")
            #expect(server.requests[0].target == "http://127.0.0.1:1/version")
        }
        try await TestServer.run {
            $1.answer(407, "")
        } body: { server in
            let configuration = try ClusterConfiguration.test(port: 1, isTLS: true, proxy: "http://127.0.0.1:\(server.port)")
            let error = try await failure { try await KubernetesClient(configuration).version() }
            #expect(error.code == .proxyFailed, "\(error)")
        }
    }

    /// OpenSSL frees its locks when the process exits, and a connection that is made then uses them.
    @Test func theProcessEndsOnlyAfterItsConnections() async {
        await #expect(processExitsWith: .success) {
            // Of the handlers of exit, the first that was registered runs last: this holds the process open when OpenSSL is gone.
            atexit { usleep(500_000) }
            let authority = try CertificateAuthority(name: "test authority")
            try await TestServer.run(tls: try authority.issue(name: "s").serverTLS()) { _, peer in
                peer.answer(200, #"{"major": "1", "minor": "20", "gitVersion": "v1.20.2"}"#, headers: ["Connection: close"])
            } body: { server in
                let trust = ClusterConfiguration.Trust(authority: PEM(bytes: Array(try authority.pem.utf8), origin: "/etc/ca.crt"))
                let client = try KubernetesClient(.test(port: server.port, isTLS: true, trust: trust))
                _ = try await client.version()
                Task { while true { _ = try? await client.version() } }
                exit(0)
            }
        }
    }
}
