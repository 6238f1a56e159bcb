import Foundation
import TDS
import Testing

@testable import SandboxSQL

/// `sqlcmd` as the probes of published manifests call it.
@Suite struct SQLCommandTests {
    @Test(arguments: [
        (["-S", "localhost", "-U", "sa", "-P", "x", "-Q", "SELECT 1"], "127.1.2.3", 1433),
        (["-Slocalhost,1444", "-Usa", "-Px", "-QSELECT 1"], "127.1.2.3", 1444),
        (["-S", "tcp:db.sql.svc,31433", "-C", "-No", "-l", "3", "-t", "5", "-h", "-1", "-W", "-b"], "db.sql.svc", 31433),
        (["-S", ".\\SQLEXPRESS", "-N"], "127.1.2.3", 1433), (["-S", "[::2],5", "-Ns", "-I", "-r1", "-V", "16"], "::2", 5),
    ])
    func takesTheOptionsOfBothTools(_ arguments: [String], _ host: String, _ port: Int) throws {
        let options = try SQLCommandOptions(arguments, environment: ["POD_IP": "127.1.2.3"])
        #expect(options.configuration.host == host)
        #expect(options.configuration.port == port)
    }

    @Test func theOlderToolChecksNoCertificateUnlessItEncrypts() throws {
        let plain = try SQLCommandOptions(["-Q", "SELECT 1"], environment: [:], isOfVersion17: true).configuration
        #expect(plain.encryption == .loginOnly && plain.certificateTrust == .any)
        let encrypted = try SQLCommandOptions(["-N"], environment: [:], isOfVersion17: true).configuration
        #expect(encrypted.encryption == .required && encrypted.certificateTrust == .system)
    }

    @Test(arguments: [["-S"], ["-l", "soon"], ["-%"], ["SELECT 1"], ["-S", "a,port"], ["-Nx"]])
    func saysWhichOptionIsWrong(_ arguments: [String]) {
        let failure = #expect(throws: SQLCommandOptions.Failure.self) { try SQLCommandOptions(arguments, environment: [:]) }
        #expect(failure?.description.hasPrefix("Sqlcmd: ") == true)
    }

    @Test func answersAndEndsAsTheToolDoes() async throws {
        let server = try ServerFixture()
        defer { _ = try? server.stop() }
        let place = ["-S", "\(ServerFixture.host),\(server.port)", "-U", "sa"]
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sqlcmd-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        // The client waits for its own event loop, and blocks a thread meanwhile.
        func run(_ arguments: [String], password: String = ServerFixture.password) async -> (code: Int32, text: String) {
            let code = await withCheckedContinuation { continuation in
                Thread {
                    continuation.resume(
                        returning: SQLCommand.run(place + ["-P", password, "-o", file] + arguments, environment: [:]))
                }.start()
            }
            return (code, (try? String(contentsOfFile: file, encoding: .utf8)) ?? "")
        }
        let one = await run(["-C", "-Q", "SELECT 1"])
        #expect(one.code == 0)
        #expect(one.text == " \n-\n1\n\n(1 rows affected)\n")
        let bare = await run([
            "-C", "-h", "-1", "-W", "-s", "|", "-Q", "SET NOCOUNT ON; SELECT name, 2 AS two FROM sys.databases WHERE name = 'master'",
        ])
        #expect(bare.code == 0)
        #expect(bare.text.hasPrefix("master|2\n"))
        let table = await run(["-C", "-Q", "SELECT * FROM nothing_there"])
        #expect(table.code == 0)
        #expect(table.text.contains("Msg 208, Level 16"))
        #expect(await run(["-C", "-b", "-Q", "SELECT * FROM nothing_there"]).code == 1)
        #expect(await run(["-C", "-Q", "SELECT 1"], password: "wrong-Passw0rd").code == 1)
        // As the tools of version 18: without -C the certificate has to be one that is trusted.
        #expect(await run(["-Q", "SELECT 1"]).code == 1)
        #expect(await run(["-No", "-Q", "SELECT 1"]).code == 0)
    }

    @Test func theServerListensOnAnIPv6Address() async throws {
        let server = try ServerFixture(host: "::1")
        defer { _ = try? server.stop() }
        let connection = try await server.connect()
        #expect(try await connection.numbers("SELECT 6") == [6])
        await connection.close()
    }

    @Test func aRefusedConnectionEndsWithOne() async throws {
        #expect(SQLCommand.run(["-S", "127.0.0.1,1", "-C", "-l", "1", "-Q", "SELECT 1"], environment: [:]) == 1)
    }
}
