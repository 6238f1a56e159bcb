import Foundation
import Glibc
import JUnitReading
import Programs
import Subprocess
import Testing

/// In the middle of each fault that has an undo the harness loses what it writes to, or is told to go: the cluster is restored, and the end is
/// told as it is.
@Suite(.serialized, .timeLimit(.minutes(15))) struct EndModeTests {
    private struct Mode: Sendable {
        var name: String
        /// The exit code of a run that is ended by it; `nil`: the run goes on to its own end.
        var code: Int32?
        /// It is found at the end of a run only, and a broken promise is the worse news.
        var isFoundLate = false
        /// The exit code of a run that goes on and would have passed.
        var codeOfPass: Int32 = 0
        /// Redirections of its output, as ``Drill/redirection``.
        var redirection = ""
        /// Strikes it while it waits for the recovery.
        var strike: (@Sendable (pid_t, _ folder: String) async throws -> Void)?
        /// Words that it still says; `nil` where nobody can be told.
        var words: String?
    }

    private struct Lane: Sendable {
        var drill: Drill
        /// The exit code of the drill when nobody disturbs it.
        var code: Int32 = 0
    }

    private static let restored = "The changes of the run in the cluster are restored"
    /// A reader whose process ID is in a file.
    private static let reader = ">(echo $BASHPID >{folder}.reader; exec cat >&2)"

    private static let modes = [
        Mode(name: "SIGHUP", code: 129, strike: { process, _ in kill(process, SIGHUP) }, words: "interrupted (SIGHUP)"),
        Mode(name: "standard error without a reader", redirection: "2> \(reader)", strike: endReader),
        Mode(name: "SIGPIPE: no stream has a reader", redirection: "&> \(reader)", strike: endReader),
        Mode(
            name: "a full standard output", codeOfPass: 70, redirection: "> /dev/full", words: "standard output could not be written"),
        Mode(name: "a full disk", code: 70, strike: endDisk, words: restored),
        Mode(
            name: "a removed folder", code: 70, isFoundLate: true,
            strike: { _, folder in try FileManager.default.removeItem(atPath: folder) }, words: restored),
        // Open files stay open; nothing new can be opened above the limit.
        Mode(name: "40 descriptors", strike: { process, _ in try await limit(process, "--nofile=40") }),
    ]

    private static func node(_ action: String) -> String { "[aftershock, sandbox, node, \(action), '{node}']" }

    /// Every kind of undo, the one of the ledger's tables too, which all of them have.
    private static let lanes = [
        Lane(
            drill: Drill(
                name: "node", fault: "nodeFailure: {inject: \(node("poweroff")), undo: \(node("start")), noticedWithin: 30s}",
                giveUpAfter: "6s"),
            // The volume stays with the node that was lost.
            code: 1),
        Lane(drill: Drill(name: "drain", fault: "nodeDrain: {timeout: 30s}")),
        Lane(drill: Drill(name: "container", fault: "containerKill: {helperImage: busybox}")),
        Lane(drill: Drill(name: "taint", fault: "nodeTaint: {}")),
        Lane(drill: Drill(name: "freeze", fault: "processKill: {signal: STOP, resumeAfter: 1500ms}")),
        Lane(
            drill: Drill(
                name: "command",
                fault: """
                    command: {inject: [kubectl, label, node, "{node}", broken=yes], undo: [kubectl, label, node, "{node}", broken-],
                    probe: [sh, -c, "kubectl get node {node} --show-labels | grep broken=yes"]}
                    """)),
        Lane(drill: Drill(name: "tables", fault: "podDelete: {}")),
    ]

    @Test func whateverEndsItTheClusterIsPutBack() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var waiting = Self.lanes[...]
            // So many at a time; each needs a cluster of its own, as some take away nodes.
            for _ in 0..<4 {
                guard let lane = waiting.popFirst() else { break }
                group.addTask { try await Self.run(lane) }
            }
            while try await group.next() != nil {
                if let lane = waiting.popFirst() { group.addTask { try await Self.run(lane) } }
            }
        }
    }

    /// A reader that leaves early, and streams that were never there.
    @Test(arguments: [("2>&1 | head -3", Int32(0)), (">&- 2>&-", 70)])
    func whoeverReadsItFromTheBeginning(redirection: String, code: Int32) async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            let mode = Mode(name: redirection, codeOfPass: code, redirection: redirection)
            try await Self.run(Lane(drill: Drill(name: "taint", fault: "nodeTaint: {}")), mode, on: cluster, before)
        }
    }

    private static func run(_ lane: Lane) async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            for mode in modes { try await run(lane, mode, on: cluster, before) }
        }
    }

    private static func run(_ lane: Lane, _ mode: Mode, on cluster: TestCluster, _ before: ClusterState) async throws {
        var drill = lane.drill
        drill.redirection = mode.redirection
        let run = try await drill.run(on: cluster, at: mode.strike == nil ? nil : Step("stage recovering")) { process, folder in
            try await mode.strike?(process, folder)
        }
        let place: Comment = "\(drill.name), \(mode.name): \(run.log)"
        #expect(run.wasStruck == (mode.strike != nil), place)
        let own = lane.code == 0 ? mode.codeOfPass : lane.code
        #expect(run.code == (mode.isFoundLate && lane.code != 0 ? lane.code : mode.code ?? own), place)
        if let words = mode.words { #expect(run.log.contains(words), place) }
        let junit = try run.file("junit.xml")
        #expect(JUnitSchema.problems(of: junit) == "", place)
        #expect(try JUnitDocument(junit).passes == (mode.code == nil && lane.code == 0), place)
        let restored = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
        #expect(restored.output == "nothing is left to restore\n", "\(drill.name), \(mode.name): \(restored.output)\(restored.errors)")
        try await cluster.expectUnchanged(since: before, place)
    }

    private static let endReader: @Sendable (pid_t, String) async throws -> Void = { _, folder in
        let text = try String(contentsOfFile: folder + ".reader", encoding: .utf8)
        kill(try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))), SIGKILL)
    }

    /// No file may grow beyond what the journal has by now.
    private static let endDisk: @Sendable (pid_t, String) async throws -> Void = { process, folder in
        let size = try FileManager.default.attributesOfItem(atPath: folder + "/journal.ndjson")[.size] as? UInt64 ?? 0
        try await limit(process, "--fsize=\(size)")
    }

    private static func limit(_ process: pid_t, _ option: String) async throws {
        let result = try await Subprocess.run(
            .name("prlimit"), arguments: ["--pid", "\(process)", option], input: .none, output: .discarded, error: .discarded)
        #expect(result.terminationStatus.isSuccess)
    }
}
