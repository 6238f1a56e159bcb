import Certificates
import Foundation
import NIOCore
import NIOPosix
import Network
import Testing

@testable import TDS

/// Client and server on real loopback sockets.
@Suite struct ConnectionTests {
    private static let loop = MultiThreadedEventLoopGroup.singleton

    private static func connect(_ configuration: TDSConfiguration) async -> Result<TDSServerVersion, TDSError> {
        do throws(TDSError) {
            let connection = try await TDSConnection.connect(configuration, on: self.loop.any())
            await connection.close()
            return .success(connection.serverVersion)
        } catch {
            return .failure(error)
        }
    }

    private static func failure(_ configuration: TDSConfiguration) async throws -> TDSError {
        let result = await self.connect(configuration)
        guard case .failure(let error) = result else {
            throw Unexpected("connected to \(HostPort.text(configuration.host, configuration.port))")
        }
        return error
    }

    // MARK: Encryption

    @Test(arguments: [
        (TDSPreloginEncryption.on, TDSConfiguration.Encryption.required), (.required, .required), (.required, .loginOnly),
        (.off, .loginOnly),
        (.off, .off), (.notSupported, .off),
    ])
    func everyAgreementAboutEncryption(server: TDSPreloginEncryption, client: TDSConfiguration.Encryption) async throws {
        var script = Script()
        script.encryption = server
        script.answer = { _ in .rows(3) }
        try await withConnection(script, encryption: client) { connection in
            #expect(connection.serverVersion.description == "Microsoft SQL Server 16.0.1")
            #expect(connection.phases.tcp != nil && connection.phases.prelogin != nil && connection.phases.login != nil)
            #expect((connection.phases.tls != nil) == (client != .off))
            let result = try await connection.query("select", timeout: .seconds(60))
            #expect(try result.rows.map { try $0[0] } == [.int(0), .int(1), .int(2)])
            #expect(result.rowCounts == [3])
        }
    }

    @Test func strict() async throws {
        var script = Script()
        script.isStrict = true
        try await withConnection(script) { connection in
            #expect(connection.phases.tls != nil)
            _ = try await connection.query("select 1", timeout: .seconds(60))
        }
    }

    @Test(arguments: [
        (Script.Misbehaviour.close, "17821"), (.hang, "17821"), (.send(SpecificationPacket.loginResponse), "does not answer in TLS"),
    ])
    func strictAgainstAServerOfTDS7(misbehaviour: Script.Misbehaviour, hint: String) async throws {
        var script = Script()
        script.misbehaviour = (.accepted, misbehaviour)
        try await withServer(script) { configuration in
            var configuration = configuration
            configuration.encryption = .strict
            if case .hang = misbehaviour { configuration.deadlines.tls = .milliseconds(200) }
            let error = try await Self.failure(configuration)
            #expect(error.phase == .tls)
            #expect(error.detail?.contains("TDS 7") == true, "\(error)")
            #expect(error.detail?.contains(hint) == true, "\(error)")
        }
    }

    @Test(arguments: [false, true]) func aLoginOnlyServerThatAnswersInTLS(refuses: Bool) async throws {
        let failure = TDSServerMessage(number: 18456, state: 1, class: 14, text: "Login failed for user 'sa'.", server: "sql")
        var script = Script()
        script.encryption = .off
        script.staysInTLS = true
        if refuses { script.login = { _ in [.error(failure), .done(TDSDone(status: .error))] } }
        script.answer = { _ in .rows(3) }
        if refuses {
            try await withServer(script) { configuration in
                var configuration = configuration
                configuration.encryption = .loginOnly
                let error = try await Self.failure(configuration)
                #expect(error.code == .loginRejected)
                #expect(error.serverMessages == [failure])
            }
        } else {
            try await withConnection(script, encryption: .loginOnly) { connection in
                let rows = try await connection.query("select", timeout: .seconds(60)).rows
                #expect(rows.count == 3)
            }
        }
    }

    @Test func aLongLoginIsEncryptedInItsFirstPacketAlone() async throws {
        var script = Script()
        script.encryption = .off
        script.login = { login in
            login.userName.utf16.count == 128 && login.password.revealed.hasSuffix("end") ? .accepted : [.done(TDSDone(status: .error))]
        }
        try await withServer(script) { configuration in
            var configuration = configuration
            configuration.encryption = .loginOnly
            configuration.user = String(repeating: "u", count: 128)
            configuration.password = TDSPassword(String(repeating: "p", count: 125) + "end")
            #expect(throws: Never.self) { try configuration.encodedLogin }
            _ = try await Self.connect(configuration).get()
        }
    }

    @Test(arguments: [
        (TDSPreloginEncryption.notSupported, TDSConfiguration.Encryption.required), (.off, .required), (.notSupported, .loginOnly),
        (.required, .off),
    ])
    func disagreementAboutEncryption(server: TDSPreloginEncryption, client: TDSConfiguration.Encryption) async throws {
        var script = Script()
        script.encryption = server
        try await withServer(script) { configuration in
            var configuration = configuration
            configuration.encryption = client
            let error = try await Self.failure(configuration)
            #expect(error.code == .encryption)
            #expect(error.phase == .prelogin)
        }
    }

    /// The fate of a connection that checks the certificate.
    private static func outcome(
        _ certificate: IssuedCertificate, trusting: (URL) -> TDSConfiguration.CertificateTrust, named name: String? = nil
    ) async throws -> Result<TDSServerVersion, TDSError> {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("tds-\(UUID()).pem")
        try certificate.certificate.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try await withServer(certificate: certificate) { configuration in
            var configuration = configuration
            configuration.certificateTrust = trusting(file)
            configuration.serverName = name
            return await self.connect(configuration)
        }
    }

    @Test func aCertificateThatNobodyVouchesForIsRefused() async throws {
        let outcome = try await Self.outcome(try IssuedCertificate.ofTestServer(), trusting: { _ in .system })
        guard case .failure(let error) = outcome else { throw Unexpected("connected") }
        #expect(error.code == .tls)
        #expect(error.phase == .tls)
        #expect(error.detail?.contains("certificate is not trusted (CERTIFICATE_VERIFY_FAILED)") == true)
    }

    @Test(arguments: [nil, "localhost"]) func aPinnedCertificateIsTrusted(name: String?) async throws {
        _ = try await Self.outcome(try IssuedCertificate.ofTestServer(), trusting: { .file($0.path) }, named: name).get()
    }

    @Test(arguments: [nil, "elsewhere.example"]) func aCertificateForAnotherNameIsRefused(name: String?) async throws {
        // It names no address, so connecting by address does not match either.
        let outcome = try await Self.outcome(try IssuedCertificate.ofTestServer(address: nil), trusting: { .file($0.path) }, named: name)
        guard case .failure(let error) = outcome else { throw Unexpected("connected") }
        #expect(error.code == .tls)
        #expect(error.detail?.contains("not for '\(name ?? "127.0.0.1")' but for 'localhost'") == true, "\(error)")
    }

    @Test func everyNameOfACertificateIsSaid() async throws {
        let certificate = try IssuedCertificate.ofTestServer(address: [10, 0, 0, 1])
        let outcome = try await Self.outcome(certificate, trusting: { .file($0.path) }, named: "elsewhere.example")
        guard case .failure(let error) = outcome else { throw Unexpected("connected") }
        #expect(error.detail?.contains("not for 'elsewhere.example' but for 'localhost', '10.0.0.1'") == true, "\(error)")
    }

    @Test func aCertificateFileThatIsNotThereIsNamed() async throws {
        let outcome = try await Self.outcome(try IssuedCertificate.ofTestServer(), trusting: { _ in .file("/nonexistent.pem") })
        guard case .failure(let error) = outcome else { throw Unexpected("connected") }
        #expect(error.code == .configuration)
        #expect(error.detail?.contains("/nonexistent.pem") == true)
    }

    @Test func bytesInTheClearBehindThePreloginReplyAreRefused() async throws {
        var script = Script()
        script.injected = SpecificationPacket.loginResponse
        try await withServer(script) { configuration in
            let code = try await Self.failure(configuration).code
            #expect(code == .protocolViolation)
        }
    }

    // MARK: Failures, each in its class and phase

    @Test func refused() async throws {
        let port = try await withServer { $0.port }
        let error = try await Self.failure(TDSConfiguration(host: "127.0.0.1", port: port, user: "sa", password: "x"))
        #expect(error.code == .refused)
        #expect(error.phase == .tcp)
        #expect(error.phases.tcp != nil && error.phases.prelogin == nil)
    }

    @Test func aNameThatDoesNotResolve() async throws {
        let error = try await Self.failure(TDSConfiguration(host: "nonexistent.invalid", user: "sa", password: "x"))
        #expect(error.code == .dns)
        #expect(error.phase == .tcp)
    }

    @Test(arguments: [
        (Script.Point.accepted, TDSPhase.prelogin), (.prelogin, .prelogin), (.tls, .tls), (.login, .login),
    ])
    func aServerThatStopsAnswering(point: Script.Point, phase: TDSPhase) async throws {
        var script = Script()
        script.misbehaviour = (point, .hang)
        try await withServer(script) { configuration in
            var configuration = configuration
            // Short for the phase in question alone: the others may take what a busy machine makes of them.
            switch phase {
            case .prelogin: configuration.deadlines.prelogin = .milliseconds(200)
            case .tls: configuration.deadlines.tls = .milliseconds(200)
            case .login: configuration.deadlines.login = .milliseconds(200)
            case .tcp, .query, .idle: throw Unexpected("no deadline is tested in \(phase)")
            }
            let error = try await Self.failure(configuration)
            #expect(error.code == .timeout)
            #expect(error.phase == phase)
            #expect(error.after >= .milliseconds(200))
        }
    }

    @Test(arguments: [
        (Script.Point.accepted, TDSPhase.prelogin), (.prelogin, .prelogin), (.tls, .tls), (.login, .login),
    ])
    func aServerThatCloses(point: Script.Point, phase: TDSPhase) async throws {
        var script = Script()
        script.misbehaviour = (point, .close)
        try await withServer(script) { configuration in
            let error = try await Self.failure(configuration)
            // Closing with our bytes unread is a reset by the rules of TCP.
            #expect([.eof, .reset].contains(error.code))
            #expect(error.phase == phase)
        }
    }

    @Test(arguments: [(Script.Point.prelogin, TDSPhase.prelogin), (.login, .login)])
    func aServerThatResets(point: Script.Point, phase: TDSPhase) async throws {
        var script = Script()
        script.misbehaviour = (point, .reset)
        try await withServer(script) { configuration in
            let error = try await Self.failure(configuration)
            #expect(error.code == .reset)
            #expect(error.phase == phase)
        }
    }

    @Test(arguments: [Script.Point.accepted, .prelogin]) func aServerThatTalksSomethingElse(point: Script.Point) async throws {
        var script = Script()
        script.misbehaviour = (point, .send(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")))
        try await withServer(script) { configuration in
            let error = try await Self.failure(configuration)
            #expect(error.code == .protocolViolation)
            #expect(error.phase == .prelogin)
        }
    }

    @Test func noiseInsteadOfTLS() async throws {
        var script = Script()
        let noise = TDSPacketEncoder().encode(.prelogin, ByteBuffer(repeating: 0x55, count: 100))[0]
        script.misbehaviour = (.tls, .send(noise))
        // The noise is sent behind the reply in the clear, or when TLS has begun; neither may get through.
        try await withServer(script) { configuration in
            let code = try await Self.failure(configuration).code
            #expect([.tls, .protocolViolation].contains(code))
        }
    }

    @Test(arguments: [false, true]) func loginRejected(closes: Bool) async throws {
        let failure = TDSServerMessage(number: 18456, state: 1, class: 14, text: "Login failed for user 'sa'.", server: "sql")
        var script = Script()
        script.login = { _ in closes ? [.error(failure)] : [.error(failure), .done(TDSDone(status: .error))] }
        script.closesAfterLogin = closes
        try await withServer(script) { configuration in
            let error = try await Self.failure(configuration)
            #expect(error.code == .loginRejected)
            #expect(error.serverMessages == [failure])
            #expect(!error.description.contains("P@ssw0rd"))
        }
    }

    @Test func followsARedirection() async throws {
        try await withServer { target in
            var script = Script()
            script.login = { _ in
                [.environmentChange(.routing(TDSRoute(host: "127.0.0.1\\instance", port: UInt16(target.port))))] + .accepted
            }
            try await withServer(script) { configuration in
                _ = try await Self.connect(configuration).get()
            }
        }
    }

    @Test func givesUpOnARedirectionInCircles() async throws {
        let port = Shared(0)
        var script = Script()
        script.login = { _ in [.environmentChange(.routing(TDSRoute(host: "127.0.0.1", port: UInt16(port.value))))] + .accepted }
        try await withServer(script) { configuration in
            port.value = configuration.port
            let code = try await Self.failure(configuration).code
            #expect(code == .tooManyRedirections)
        }
    }

    @Test(arguments: [Script.Point.accepted, .prelogin, .tls, .login]) func cancelledWhileConnecting(point: Script.Point) async throws {
        var script = Script()
        script.misbehaviour = (point, .hang)
        try await withServer(script) { configuration in
            var configuration = configuration
            configuration.deadlines = TDSConfiguration.Deadlines(each: .seconds(60))
            let endless = configuration
            let error = try await withThrowingTaskGroup(of: TDSError.self) { group in
                group.addTask { try await Self.failure(endless) }
                // However far it has got by then, it must end at once: not with the deadline, nor when TLS has said goodbye.
                try await Task.sleep(for: .milliseconds(100))
                group.cancelAll()
                return try await group.next()
            }
            #expect(error?.code == .cancelled)
            #expect((error?.phases.total ?? .zero) < .seconds(30))
        }
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
