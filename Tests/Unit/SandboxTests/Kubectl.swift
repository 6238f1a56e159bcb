import Foundation
import Subprocess
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// The real kubectl, unchanged, against a cluster of this process.
struct Kubectl: Sendable {
    let cluster: SandboxCluster
    /// For kubectl's discovery cache, so that nothing is taken from another cluster's.
    private let home: String

    static let isInstalled = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/kubectl") }

    init(cluster: SandboxCluster) throws {
        self.cluster = cluster
        home = cluster.kubeconfigPath + ".home"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    }

    struct Answer: Sendable {
        let output: String
        let problems: String
        let isSuccess: Bool

        /// The output's lines, runs of spaces made one.
        var lines: [String] {
            output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        }
    }

    /// Runs `body` with a cluster that has the API and fake nodes.
    static func withCluster(_ body: (Kubectl) async throws -> Void) async throws {
        let cluster = try await SandboxCluster.start(SandboxOptions(nodes: 2)) { try FakeBackend($0.store) }
        do {
            try await body(Kubectl(cluster: cluster))
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    @discardableResult
    func callAsFunction(_ arguments: String..., input: String = "") async throws -> Answer {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String = "") async throws -> Answer {
        let result = try await Subprocess.run(
            .name("kubectl"), arguments: Arguments(arguments),
            environment: environment, input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        return Answer(
            output: result.standardOutput, problems: result.standardError, isSuccess: result.terminationStatus.isSuccess)
    }

    /// Runs kubectl, hands its lines to `body` as they come, and ends it when `body` is done.
    func follow(_ arguments: String..., body: (inout Lines) async throws -> Void) async throws {
        _ = try await Subprocess.run(
            .name("kubectl"), arguments: Arguments(arguments), environment: environment, input: .none, output: .sequence,
            error: .discarded
        ) { execution in
            var lines = Lines(iterator: execution.standardOutput.strings().makeAsyncIterator())
            try await body(&lines)
            try execution.send(signal: .terminate)
        }
    }

    private var environment: Environment { .inherit.updating(["KUBECONFIG": cluster.kubeconfigPath, "HOME": home]) }

    struct Lines {
        fileprivate var iterator: SubprocessOutputSequence.StringSequence<UTF8>.AsyncIterator

        /// The next line, runs of spaces made one; `nil` when kubectl has ended.
        mutating func next() async throws -> String? {
            try await iterator.next()?.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }
}
