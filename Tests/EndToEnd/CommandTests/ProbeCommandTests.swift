import Foundation
import JSON
import NIOCore
import NIOPosix
import Programs
import Testing

/// `aftershock probe` against servers that it has never met, sound and otherwise: each outcome has a class and a phase of its own.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ProbeCommandTests {
    /// One result of `-o json`.
    private struct Probe {
        let json: JSONValue

        var isGood: Bool { json["outcome"]?.string == "ok" }
        var phases: Set<String> { Set((json["phasesMs"]?.object ?? [:]).keys) }
        /// `class in phase` of the failure; `nil` where there is none.
        var failure: String? {
            json["failure"].map { "\($0["class"]?.string ?? "?") in \($0["phase"]?.string ?? "?")" }
        }
        /// In milliseconds.
        var failedAfter: Double? {
            switch json["failure"]?["afterMs"] {
            case .integer(let value): Double(value)
            case .double(let value): value
            default: nil
            }
        }
        var errorNumbers: [Int64] { (json["failure"]?["errors"]?.array ?? []).compactMap { $0["number"]?.integer } }
    }

    /// Runs the command with `-o json` and the right password unless another is given.
    private func probe(
        _ port: Int, _ arguments: [String], host: String = "127.0.0.1", password: String = SandboxServer.password,
        launcher: [String] = []
    ) async throws -> (code: Int32, probes: [Probe], errors: String) {
        let outcome = try await Program.run(
            "aftershock",
            ["probe", "\(host):\(port)", "--user", "sa", "--password-from", "env:PROBE_PASSWORD", "-o", "json"] + arguments,
            environment: ["PROBE_PASSWORD": password], launcher: launcher)
        #expect(!(outcome.output + outcome.errors).contains(password))
        let probes = try outcome.output.split(separator: "\n").map { Probe(json: try JSONValue(parsing: Data($0.utf8))) }
        return (outcome.exitCode, probes, outcome.errors)
    }

    /// A server, and the file with its certificate.
    private func withServer(
        _ encryption: String, host: String = "127.0.0.1", flaws: [String] = [],
        _ body: @Sendable (SandboxServer, String) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("probe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let certificate = folder + "/certificate.pem"
        let arguments = ["--encryption", encryption, "--certificate-file", certificate] + flaws.flatMap { ["--flaw", $0] }
        try await SandboxServer.run(host: host, port: nil, data: folder, arguments: arguments) { server in
            try await body(server, certificate)
        }
    }

    // MARK: Right

    @Test(arguments: [
        ["--encryption", "required", "--trust-server-certificate"], ["--encryption", "loginOnly", "--trust-server-certificate"],
        ["--encryption", "off"], ["--trust-server-certificate", "--database", "master"],
    ])
    func theRightPasswordIsEnough(arguments: [String]) async throws {
        try await withServer("on") { server, _ in
            let (code, probes, _) = try await probe(server.port, arguments)
            #expect(code == 0)
            #expect(probes.map(\.isGood) == [true])
            let tls: Set<String> = arguments.contains("off") ? [] : ["tls"]
            #expect(probes.first?.phases == tls.union(["tcp", "prelogin", "login", "query"]))
            #expect(probes.first?.json["server"]?.string?.contains("SQL Server") == true)
        }
    }

    @Test func theNextAddressOfANameIsTriedWhereOneRefuses() async throws {
        let hosts = FileManager.default.temporaryDirectory.appendingPathComponent("hosts-\(UUID().uuidString)").path
        // The first is the nearest to the client's address and tried first; the server does not listen there.
        try "127.0.0.1 two-addresses\n127.0.0.9 two-addresses\n".write(toFile: hosts, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: hosts) }
        let launcher = [
            "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/hosts && exec \"$@\"", hosts,
        ]
        try await withServer("on", host: "127.0.0.9") { server, _ in
            let (code, probes, errors) = try await probe(
                server.port, ["--trust-server-certificate"], host: "two-addresses", launcher: launcher)
            #expect(code == 0, "\(errors)")
            #expect(probes.map(\.isGood) == [true])
        }
    }

    @Test(arguments: ["required", "loginOnly", "strict"]) func thePinnedCertificateIsTrusted(mode: String) async throws {
        try await withServer(mode == "strict" ? "strict" : "on") { server, certificate in
            let (code, probes, errors) = try await probe(server.port, ["--encryption", mode, "--ca", certificate])
            #expect(code == 0, "\(errors)")
            #expect(probes.map(\.isGood) == [true])
        }
    }

    @Test func everyProbeHasALineAndASummaryFollows() async throws {
        try await withServer("on") { server, _ in
            let (code, probes, errors) = try await probe(
                server.port, ["--trust-server-certificate", "--count", "3", "--interval", "1ms"])
            #expect(code == 0)
            #expect(probes.map { $0.json["probe"]?.integer } == [1, 2, 3])
            #expect(errors == "3 probes, 0 failed\n")
        }
    }

    @Test func thePasswordMayComeFromAFileOrFromStandardInput() async throws {
        try await withServer("on") { server, certificate in
            let file = certificate + ".password"
            try "\(SandboxServer.password)\n".write(toFile: file, atomically: true, encoding: .utf8)
            for (source, input) in [("file:\(file)", ""), ("-", SandboxServer.password + "\n")] {
                let outcome = try await Program.run(
                    "aftershock",
                    ["probe", "127.0.0.1:\(server.port)", "--user", "sa", "--password-from", source, "--trust-server-certificate"],
                    input: input)
                #expect(outcome.exitCode == 0, "\(source): \(outcome.errors)")
                #expect(outcome.output.hasPrefix("1  ok  "))
            }
        }
    }

    @Test func theServerMayBeWrittenAsSQLServersToolsDo() async throws {
        try await withServer("on") { server, _ in
            for address in ["127.0.0.1,\(server.port)", "tcp:127.0.0.1,\(server.port)", "127.0.0.1\\SQLEXPRESS,\(server.port)"] {
                let outcome = try await Program.run(
                    "aftershock", ["probe", address, "--user", "sa", "--password-from", "-", "--trust-server-certificate"],
                    input: SandboxServer.password)
                #expect(outcome.exitCode == 0, "\(address): \(outcome.output)\(outcome.errors)")
            }
        }
    }

    /// In a network of its own, where nobody else's resets are counted.
    @Test(arguments: ["required", "loginOnly", "strict", "off"]) func aConnectionEndsWithoutAReset(mode: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("resets-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = """
            set -e
            ip link set lo up
            MSSQL_IP_ADDRESS=127.0.0.1 MSSQL_DATA_DIR=$0 "$(dirname "$1")/sandbox-sql" --certificate-file "$0/certificate.pem" >"$0/log" &
            trap 'kill $!' EXIT
            until grep -qs 'listening on' "$0/log"; do kill -0 $!; sleep 0.05; done
            "$@" >&2
            resets() { awk '/^Tcp:/ { if (named) print $column; else for (i = 1; i <= NF; i++) if ($i == "OutRsts") column = i; named = 1 }' /proc/net/snmp; }
            resets
            """
        var arguments = ["--count", "100", "--interval", "1ms", "--encryption", mode]
        if mode == "strict" { arguments += ["--ca", folder + "/certificate.pem"] }
        if ["required", "loginOnly"].contains(mode) { arguments += ["--trust-server-certificate"] }
        let outcome = try await Program.run(
            "aftershock", ["probe", "127.0.0.1", "--user", "sa", "--password-from", "env:MSSQL_SA_PASSWORD"] + arguments,
            environment: ["MSSQL_SA_PASSWORD": SandboxServer.password, "ACCEPT_EULA": "Y"],
            launcher: ["unshare", "--user", "--map-root-user", "--net", "bash", "-c", script, folder])
        #expect(outcome.exitCode == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("100 probes, 0 failed"))
        #expect(outcome.output == "0\n")
    }

    // MARK: Wrong

    @Test func aCertificateForAnotherNameIsSaidWithItsNames() async throws {
        try await withServer("on", host: "127.0.0.9") { server, certificate in
            let (code, probes, _) = try await probe(
                server.port, ["--ca", certificate, "--server-name", "elsewhere.example"], host: "127.0.0.9")
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["tls in tls"])
            let detail = probes.first?.json["failure"]?["detail"]?.string ?? ""
            #expect(
                detail.contains("'elsewhere.example'") && detail.contains("'localhost'") && detail.contains("--server-name"), "\(detail)")
        }
    }

    @Test(arguments: ["required", "loginOnly"]) func aWrongPasswordIsRejectedByTheServer(mode: String) async throws {
        try await withServer("on") { server, _ in
            let (code, probes, _) = try await probe(
                server.port, ["--encryption", mode, "--trust-server-certificate"], password: "Wrong-Passw0rd")
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["loginRejected in login"])
            #expect(probes.first?.errorNumbers == [18456])
        }
    }

    @Test func aDatabaseThatIsNotThereIsRejectedWithItsOwnNumber() async throws {
        try await withServer("on") { server, _ in
            let (code, probes, _) = try await probe(server.port, ["--trust-server-certificate", "--database", "nowhere"])
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["loginRejected in login"])
            #expect(probes.first?.errorNumbers.first == 4060)
        }
    }

    @Test(arguments: ["required", "strict"]) func aCertificateThatNobodyVouchesForIsATLSFailure(mode: String) async throws {
        try await withServer(mode == "strict" ? "strict" : "on") { server, _ in
            let (code, probes, _) = try await probe(server.port, ["--encryption", mode])
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["tls in tls"])
        }
    }

    @Test func aServerThatInsistsOnEncryptionAndAClientThatRefusesItCannotAgree() async throws {
        try await withServer("required") { server, _ in
            let (code, probes, _) = try await probe(server.port, ["--encryption", "off"])
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["encryption in prelogin"])
        }
    }

    @Test func anAnswerThatWasSentBeforeIsWrongData() async throws {
        try await withServer("on", flaws: ["wrong-sentinel"]) { server, _ in
            let (code, probes, _) = try await probe(
                server.port, ["--trust-server-certificate", "--count", "2", "--interval", "1ms"])
            #expect(code == 1)
            #expect(probes.map(\.failure) == [nil, "wrongAnswer in query"])
        }
    }

    @Test(arguments: ["required", "strict"]) func aClosedPortIsRefused(mode: String) async throws {
        let port = try ClosedPort()
        let (code, probes, _) = try await probe(port.number, ["--encryption", mode])
        #expect(code == 1)
        #expect(probes.map(\.failure) == ["refused in tcp"])
    }

    @Test(arguments: [("required", "prelogin"), ("off", "prelogin"), ("strict", "tls")])
    func aPortThatNeverAnswersIsATimeoutAtItsDeadline(mode: String, phase: String) async throws {
        try await withListener(saying: "") { port in
            let (code, probes, _) = try await probe(port, ["--encryption", mode, "--timeout", "200ms"])
            #expect(code == 1)
            #expect(probes.map(\.failure) == ["timeout in \(phase)"])
            #expect(try #require(probes.first?.failedAfter) >= 200)
        }
    }

    @Test(arguments: [("required", "protocol in prelogin"), ("strict", "tls in tls")])
    func aPortThatAnswersGarbageIsNoServer(mode: String, failure: String) async throws {
        try await withListener(saying: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") { port in
            let (code, probes, _) = try await probe(port, ["--encryption", mode])
            #expect(code == 1)
            #expect(probes.map(\.failure) == [failure])
        }
    }

    /// Listens on loopback and greets everybody, or says nothing at all.
    private func withListener(saying greeting: String, _ body: (Int) async throws -> Void) async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                guard !greeting.isEmpty else { return channel.eventLoop.makeSucceededVoidFuture() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(ByteBuffer(string: greeting)))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(listener.localAddress?.port ?? 0)
        } catch {
            try await listener.close()
            throw error
        }
        try await listener.close()
    }

    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let greeting: ByteBuffer

        init(_ greeting: ByteBuffer) { self.greeting = greeting }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(wrapOutboundOut(greeting), promise: nil)
        }
    }

    // MARK: Arguments

    @Test(arguments: [
        (["--encryption", "strict", "--trust-server-certificate"], "--ca"), (["--encryption", "off", "--ca", "x.pem"], "leave out --ca"),
        (["--ca", "x.pem", "--trust-server-certificate"], "contradict"), (["--count", "0"], "--count"),
        (["--timeout", "0s"], "--timeout"), (["--ca", "/nowhere.pem"], "/nowhere.pem"), (["--ca", "/tmp"], "--ca: /tmp cannot be read"),
        (["--server-name", "x", "--trust-server-certificate"], "leave out --server-name"),
    ])
    func whatMakesNoSenseIsRefusedWithTheNextStep(arguments: [String], hint: String) async throws {
        let (code, probes, errors) = try await probe(1, arguments)
        #expect(code == 64)
        #expect(probes.isEmpty)
        #expect(errors.contains(hint))
    }
}
