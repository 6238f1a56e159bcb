import Foundation
import Glibc
import Subprocess
import SystemPackage

/// An embedded cluster in a process of its own, as `aftershock sandbox` starts it for people.
public struct TestSandbox: Sendable {
    public static let context = "aftershock-sandbox"

    public let kubeconfig: String
    /// For files of a test; goes with the cluster.
    public let folder: String

    /// Runs the cluster until `body` returns.
    ///
    /// - Parameters:
    ///   - manifests: the texts of the files that it is started with.
    ///   - flaws: misbehaviour of the control plane.
    ///   - databaseFlaws: misbehaviour of the servers.
    public static func with(
        manifests: [String] = [], flaws: [String] = [], databaseFlaws: [String] = [],
        _ body: @Sendable @escaping (TestSandbox) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aftershock-test-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let sandbox = TestSandbox(kubeconfig: folder + "/kubeconfig", folder: folder)
        let files = try manifests.enumerated().map { try sandbox.write($1, as: "manifest-\($0).yaml") }
        let apply = files.isEmpty ? [] : ["--apply"] + files
        let misbehaviour = flaws.flatMap { ["--flaw", $0] } + databaseFlaws.flatMap { ["--database-flaw", $0] }
        let log = folder + "/sandbox.log"
        let file = try FileDescriptor.open(FilePath(log), .writeOnly, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
        _ = try await Subprocess.run(
            Program.executable("aftershock"),
            arguments: Arguments(["sandbox", "--kubeconfig-out", sandbox.kubeconfig] + apply + misbehaviour),
            input: .none, output: .sequence,
            error: .fileDescriptor(file, closeAfterSpawningProcess: true)
        ) { execution in
            defer { kill(execution.processIdentifier.value, SIGTERM) }
            for try await line in execution.standardOutput.strings() where line.hasPrefix("export KUBECONFIG=") {
                return try await body(sandbox)
            }
            throw ProgramError("the sandbox ended before its API answered: \(try String(contentsOfFile: log, encoding: .utf8))")
        }
    }

    /// Writes a file beside the kubeconfig, and returns its path.
    public func write(_ text: String, as name: String) throws -> String {
        let path = "\(folder)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// The options by which a command of the harness finds this cluster.
    public var access: [String] { ["--kubeconfig", kubeconfig] }

    /// Runs `kubectl` on this cluster.
    ///
    /// - Parameter program: its path, where another than the one in `PATH` is meant.
    public func kubectl(
        _ arguments: [String], input: String = "", program: String = "kubectl", environment: [String: String] = [:]
    ) async throws -> Program.Outcome {
        try await Program.runSystem(
            program, arguments, environment: environment.merging(["KUBECONFIG": kubeconfig, "HOME": folder]) { own, _ in own }, input: input
        )
    }
}
