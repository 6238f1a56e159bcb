import Foundation
import NIOPosix
import TDS

@testable import SandboxSQL

/// The real program in processes of its own, reached over TDS.
final class ServerFixture {
    static let password = "Str0ng!Passw0rd"
    static let host = "127.0.7.12"

    let folder: String
    private let host: String
    private var process: Process?
    private(set) var port = 0
    private var arguments: [String]

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    init(_ arguments: [String] = [], host: String = ServerFixture.host) throws {
        self.host = host
        folder = NSTemporaryDirectory() + "sandbox-sql-tests-\(UUID().uuidString)"
        self.arguments = arguments
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        _ = try? stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// The program lies beside the bundle of the tests.
    private static var program: URL {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        while !FileManager.default.isExecutableFile(atPath: folder.appending(path: "sandbox-sql").path), folder.path != "/" {
            folder = folder.deletingLastPathComponent()
        }
        return folder.appending(path: "sandbox-sql")
    }

    /// Starts the server and waits until it has recovered, as its log says.
    func start(_ arguments: [String]? = nil) throws {
        if let arguments { self.arguments = arguments }
        let process = Process()
        process.executableURL = ServerFixture.program
        process.arguments = self.arguments
        process.environment = [
            "ACCEPT_EULA": "Y", "MSSQL_SA_PASSWORD": ServerFixture.password, "MSSQL_DATA_DIR": folder + "/data",
            "MSSQL_IP_ADDRESS": host, "MSSQL_TCP_PORT": "0", "TMPDIR": folder,
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        self.process = process
        var log = ""
        while !log.contains("Recovery is complete") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw Failure(description: "the server did not start: \(log)") }
            log += String(decoding: data, as: UTF8.self)
        }
        guard let match = log.firstMatch(of: /<ipv[46]> (\d+)\]/), let port = Int(match.1) else {
            throw Failure(description: "the log names no port: \(log)")
        }
        self.port = port
    }

    /// SIGKILL to the server, the launcher's child; returns the launcher's exit code.
    func killServer() throws -> Int32 {
        guard let process, let child = try serverPID() else { throw Failure(description: "there is no server to kill") }
        kill(child, SIGKILL)
        process.waitUntilExit()
        self.process = nil
        return process.terminationStatus
    }

    func serverPID() throws -> Int32? {
        guard let process else { return nil }
        let pid = process.processIdentifier
        return Int32(try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8).trimmed)
    }

    var launcherPID: Int32 { process?.processIdentifier ?? 0 }

    /// SIGTERM, as a pod's end; returns the exit code.
    @discardableResult
    func stop() throws -> Int32 {
        guard let process else { return 0 }
        process.terminate()
        process.waitUntilExit()
        self.process = nil
        return process.terminationStatus
    }

    func configuration(
        database: String = "master", password: String = ServerFixture.password, encryption: TDSConfiguration.Encryption = .required
    ) -> TDSConfiguration {
        TDSConfiguration(
            host: host, port: port, user: "sa", password: password, database: database, encryption: encryption,
            certificateTrust: .any, deadlines: .init(each: .seconds(30)))
    }

    func connect(database: String = "master") async throws(TDSError) -> TDSConnection {
        try await TDSConnection.connect(configuration(database: database), on: MultiThreadedEventLoopGroup.singleton.any())
    }
}

extension TDSConnection {
    /// The first column of every row, as numbers.
    func numbers(_ sql: String) async throws -> [Int64] {
        try await query(sql, timeout: .seconds(60)).rows.compactMap { try $0[0].integer }
    }
}
