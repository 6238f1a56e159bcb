import Foundation
import Glibc
import JUnitReading
import Kubernetes
import Programs
import Subprocess
import Testing

/// In the middle of a fault the harness loses what it writes to, or is told to go: the cluster is restored, and the end is told as it is.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EndModeTests {
    private struct Mode: Sendable {
        var name: String
        var code: Int32
        /// Redirections of its output, in the words of a shell.
        var redirection = ""
        /// Strikes it while it waits for the recovery.
        var strike: (@Sendable (pid_t, _ folder: String) async throws -> Void)?
        /// Words that it still says; `nil` where nobody can be told.
        var words: String?
        /// A run that goes on to its end passes.
        var passes = false
    }

    private static let modes: [[Mode]] = [
        [
            Mode(name: "a reader that has seen enough", code: 0, redirection: "2>&1 | head -3", passes: true),
            Mode(name: "SIGHUP", code: 129, strike: { process, _ in kill(process, SIGHUP) }, words: "interrupted (SIGHUP)"),
            Mode(
                name: "a removed folder", code: 70, strike: { _, folder in try FileManager.default.removeItem(atPath: folder) },
                words: "The changes of the run in the cluster are restored"),
        ],
        [
            Mode(name: "no standard streams", code: 70, redirection: ">&- 2>&-", passes: true),
            Mode(name: "SIGPIPE", code: 0, strike: { process, _ in kill(process, SIGPIPE) }, passes: true),
            Mode(
                name: "a limit of a file's size", code: 70,
                strike: { process, folder in
                    let size = try FileManager.default.attributesOfItem(atPath: folder + "/journal.ndjson")[.size] as? UInt64 ?? 0
                    try await limit(process, "--fsize=\(size)")
                }, words: "The changes of the run in the cluster are restored"),
            Mode(
                name: "a full standard output", code: 70, redirection: "> /dev/full", words: "standard output could not be written",
                passes: true),
        ],
        [
            // Open files stay open; nothing new can be opened above the limit.
            Mode(name: "40 descriptors", code: 0, strike: { process, _ in try await limit(process, "--nofile=40") }, passes: true)
        ],
    ]

    @Test func whateverEndsItTheClusterIsPutBack() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for modes in Self.modes {
                group.addTask {
                    try await TestCluster.with { cluster in
                        let before = try await ClusterState.of(cluster)
                        for mode in modes { try await Self.run(mode, on: cluster, before) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func run(_ mode: Mode, on cluster: TestCluster, _ before: ClusterState) async throws {
        var drill = Drill(name: "taint", fault: "nodeTaint: {}")
        drill.redirection = mode.redirection
        let run = try await drill.run(on: cluster, at: mode.strike == nil ? nil : Step("stage recovering")) { process, folder in
            try await mode.strike?(process, folder)
        }
        let place: Comment = "\(mode.name): \(run.log)"
        #expect(run.code == mode.code, place)
        if let words = mode.words { #expect(run.log.contains(words), place) }
        let junit = try run.file("junit.xml")
        #expect(JUnitSchema.problems(of: junit) == "", place)
        #expect(try JUnitDocument(junit).passes == mode.passes, place)
        let restored = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
        #expect(restored.output == "nothing is left to put back\n", "\(mode.name): \(restored.output)\(restored.errors)")
        try await cluster.settle()
        let changed = try await ClusterState.of(cluster).difference(from: before)
        #expect(changed.isEmpty, "\(mode.name): \(changed.joined(separator: "; "))")
    }

    private static func limit(_ process: pid_t, _ option: String) async throws {
        let result = try await Subprocess.run(
            .name("prlimit"), arguments: ["--pid", "\(process)", option], input: .none, output: .discarded, error: .discarded)
        #expect(result.terminationStatus.isSuccess)
    }
}
