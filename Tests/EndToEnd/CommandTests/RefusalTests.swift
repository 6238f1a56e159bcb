import Checkout
import Foundation
import Programs
import Report
import Testing
import Verdict

/// A command that cannot begin ends with its own code, in our words, and leaves nothing behind.
@Suite struct RefusalTests {
    private struct Case: CustomTestStringConvertible {
        var testDescription: String
        var arguments: [String]
        var environment: [String: String] = [:]
        var code: Int32
        var words: [String]
    }

    private static let experiment = Checkout.root.appendingPathComponent("experiments/control.yaml").path

    /// An API server that nobody has to answer: the folder is looked at before.
    private static let nowhere = "https://127.0.0.1:1"

    /// A report folder of an earlier run, where one is needed.
    private static let run = "run"

    private static let cases = [
        Case(
            testDescription: "a reports folder that cannot be made",
            arguments: ["run", experiment, "--server", nowhere, "--reports", "/proc/x"],
            code: 64,
            words: ["/proc/x", "No such file or directory", "--reports"]),
        Case(
            testDescription: "a reports folder that is a file",
            arguments: ["run", experiment, "--server", nowhere, "--reports", experiment], code: 64,
            words: [experiment, "--reports"]),
        Case(
            testDescription: "a history that cannot be written",
            arguments: ["run", experiment, "--server", nowhere, "--history", "/proc/x"], code: 64,
            words: ["/proc/x cannot be written: No such file or directory"]),
        Case(
            testDescription: "a run to restore that is not there", arguments: ["restore", "--run", "/nowhere", "--server", nowhere],
            code: 64, words: ["there is no /nowhere/journal.ndjson"]),
        Case(
            testDescription: "an experiment without end", arguments: ["validate", "/dev/zero"], code: 64,
            words: ["/dev/zero: error: cannot be read: it is too large"]),
        Case(
            testDescription: "a fleet without end", arguments: ["fleet", "/dev/zero"], code: 64,
            words: ["/dev/zero cannot be read: it is too large"]),
        Case(
            testDescription: "a fleet that is a folder", arguments: ["fleet", "/"], code: 64,
            words: ["/ cannot be read: Is a directory"]),
        Case(
            testDescription: "known failures without end", arguments: ["history", run, "--known", "/dev/zero"], code: 64,
            words: ["/dev/zero cannot be read: it is too large"]),
        Case(
            testDescription: "a history without end", arguments: ["history", "/dev/zero"], code: 64,
            words: ["/dev/zero cannot be read: it is too large"]),
        Case(
            testDescription: "results without end", arguments: ["compare", "/dev/zero", run], code: 64,
            words: ["/dev/zero cannot be read: it is too large"]),
        Case(
            testDescription: "a history below a file", arguments: ["history", "\(experiment)/x"], code: 64,
            words: ["\(experiment)/x cannot be read: Not a directory"]),
        Case(
            testDescription: "a receiver's authority without end", arguments: ["report", "push", run],
            environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/dev/zero"], code: 64,
            words: ["it is too large"]),
        Case(
            testDescription: "a kubeconfig without end", arguments: ["plan", experiment, "--kubeconfig", "/dev/zero"], code: 64,
            words: ["/dev/zero: it is too large"]),
        Case(
            testDescription: "a manifest without end",
            arguments: ["run", experiment, "--sandbox", "--quiet", "--apply", "/dev/zero"], code: 64,
            words: ["/dev/zero", "it is too large"]),
        Case(
            testDescription: "a manifest that is not there",
            arguments: ["run", experiment, "--sandbox", "--quiet", "--apply", "/nowhere.yaml"], code: 64,
            words: ["/nowhere.yaml: No such file or directory"]),
        Case(
            testDescription: "a manifest that is refused", arguments: ["run", experiment, "--sandbox", "--quiet", "--apply", experiment],
            code: 64, words: ["the sandbox refuses the manifest", "control.yaml"]),
        Case(
            testDescription: "a folder for temporary files that is not there", arguments: ["run", experiment, "--sandbox"],
            environment: ["TMPDIR": "/nowhere"], code: 70, words: ["the sandbox cannot be started", "No such file or directory"]),
        Case(
            testDescription: "no program to list libraries with", arguments: ["run", experiment, "--sandbox"],
            environment: ["PATH": "/nowhere"], code: 70, words: ["the sandbox cannot be started"]),
        Case(
            testDescription: "a misspelt flaw of the database",
            arguments: ["run", experiment, "--sandbox", "--database-flaw", "stale-registr"],
            code: 64, words: ["'stale-registr' is not a flaw", "Did you mean stale-register?"]),
        Case(
            testDescription: "a misspelt flaw of a kept sandbox's database", arguments: ["sandbox", "--database-flaw", "freeeze"],
            code: 64, words: ["'freeeze' is not a flaw", "Did you mean freeze?"]),
        Case(
            testDescription: "reports of a stored run, to a folder that cannot be made", arguments: ["report", run, "--to", "/proc/x"],
            code: 64, words: ["/proc/x: No such file or directory"]),
        Case(
            testDescription: "a merged report, to a folder that cannot be made", arguments: ["report", "merge", run, "--to", "/proc/x"],
            code: 64, words: ["/proc/x: No such file or directory"]),
        Case(
            testDescription: "a history, to a folder that cannot be made", arguments: ["history", run, "--to", "/proc/x"],
            code: 64, words: ["/proc/x: No such file or directory"]),
        Case(
            testDescription: "a history of nothing", arguments: ["history", "/nowhere"], code: 64,
            words: ["/nowhere cannot be read: No such file or directory"]),
        Case(
            testDescription: "known failures that are not there", arguments: ["history", run, "--known", "/nowhere"], code: 64,
            words: ["/nowhere cannot be read: No such file or directory"]),
        Case(
            testDescription: "a comparison with nothing", arguments: ["compare", "/nowhere", run], code: 64,
            words: ["/nowhere cannot be read: No such file or directory"]),
        Case(
            testDescription: "an experiment to begin with, in a folder that is a file", arguments: ["init", experiment], code: 64,
            words: [experiment]),
        Case(
            testDescription: "a kept sandbox's volumes in a file", arguments: ["sandbox", "--data", experiment], code: 70,
            words: ["the sandbox cannot be started", "File exists"]),
        Case(
            testDescription: "a kept sandbox's manifest that is not there", arguments: ["sandbox", "--apply", "/nowhere.yaml"], code: 64,
            words: ["/nowhere.yaml: No such file or directory"]),
    ]

    @Test(arguments: cases) private func isRefusedInOurWords(_ refused: Case) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aftershock-refusal-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        if refused.arguments.contains(Self.run) { try Self.storeRun(in: folder) }
        // In a folder of its own, as that is where `reports` would appear.
        let run = try await Program.run(
            "aftershock", refused.arguments, launcher: ["env", "-C", folder] + refused.environment.map { "\($0.key)=\($0.value)" })
        #expect(run.exitCode == refused.code, "\(run.errors)")
        for words in refused.words { #expect(run.errors.contains(words), "\(run.errors)") }
        for raw in ["NSCocoaErrorDomain", "Error Domain", "Code="] { #expect(!run.errors.contains(raw), "\(run.errors)") }
        let left = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0 != "reports" && !$0.hasPrefix(Self.run) }
        #expect(left.isEmpty, "\(left)")
    }

    /// Also the files that a fleet, a history and a comparison are made of.
    @Test func everyFileMayComeThroughAPipe() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aftershock-pipes-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Self.storeRun(in: folder)
        let results = "\(folder)/\(Self.run)/results.json"
        let fleet = Checkout.root.appendingPathComponent("experiments/fleet/fleet.yaml").path
        let commands = [
            "history <(cat \(results)) --known <(echo '- {experiment: a, check: b, why: c, owner: d, expires: 2026-12-31}')",
            "compare <(cat \(results)) \(results)", "fleet <(sed 's|\\.\\./|\(Checkout.root.path)/experiments/|' \(fleet))",
        ]
        for command in commands {
            let run = try await Program.run("aftershock", [], launcher: ["bash", "-c", "\"$@\" \(command)", "bash"])
            #expect([0, 1, 4].contains(run.exitCode) && run.errors.isEmpty, "\(command): \(run.errors)")
        }
    }

    /// A shell's process substitution, and a stream that is not called `-`.
    @Test(arguments: ["<(cat FILE)", "/dev/stdin < <(cat FILE)", "- < FILE"]) func anExperimentMayComeThroughAPipe(_ source: String)
        async throws
    {
        let run = try await Program.run(
            "aftershock", ["validate"],
            launcher: ["bash", "-c", "\"$@\" \(source.replacing("FILE", with: "'\(Self.experiment)'"))", "bash"])
        #expect(run.exitCode == 0, "\(run.errors)")
        #expect(run.output.contains("control: ") || run.errors.contains("control: "), "\(run.output)\(run.errors)")
    }

    private static func storeRun(in folder: String) throws {
        let journal = Checkout.root.appendingPathComponent("Tests/Unit/VerdictTests/StoredRuns/unscathed.ndjson").path
        try FileManager.default.createDirectory(atPath: "\(folder)/\(run)", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: journal, toPath: "\(folder)/\(run)/journal.ndjson")
        let findings = try Findings.judge(journalPath: journal)
        try ReportWriter(directory: "\(folder)/\(run)").write(findings)
    }

    /// Opening a pipe that nobody reads blocks: before the run for a history, after it for a summary.
    @Test(.timeLimit(.minutes(1))) func aPipeThatNobodyReadsIsNotWaitedFor() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aftershock-pipe-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pipe = folder + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let arguments = ["run", Self.experiment, "--server", Self.nowhere]
        let history = try await Program.run("aftershock", arguments + ["--history", pipe])
        #expect(history.exitCode == 64 && history.errors.contains("\(pipe) cannot be written: No such device"), "\(history.errors)")
        let summary = try await Program.run(
            "aftershock", arguments + ["--reports", folder + "/run"],
            environment: ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": pipe])
        #expect(
            summary.exitCode == 5 && summary.errors.contains("the step summary could not be written: No such device"), "\(summary.errors)")
    }

    /// The machine's, not the person's. A mount namespace of its own has the full disk.
    @Test func aReportsFolderOnAFullDisk() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("aftershock-full-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let disk = "mount -t tmpfs -o size=16k tmpfs \(folder) && ! cat /dev/zero >\(folder)/ballast 2>/dev/null && exec \"$@\""
        let arguments = ["run", Self.experiment, "--server", Self.nowhere, "--reports", folder + "/reports"]
        let run = try await Program.run("aftershock", arguments, launcher: ["unshare", "-rm", "sh", "-c", disk, "sh"])
        #expect(run.exitCode == 70, "\(run.errors)")
        #expect(run.errors.contains("the reports cannot be written") && run.errors.contains("No space left on device"), "\(run.errors)")
    }

    /// The reader of a message, or of data, may have gone away, or never have been there.
    @Test(arguments: [("2>&1 | head -1", Int32(0)), (">&- 2>&-", 70), ("> /dev/full", 70)])
    func isWrittenToWhoeverIsThere(_ redirection: String, _ code: Int32) async throws {
        let run = try await Program.run(
            "aftershock", ["schema"], launcher: ["bash", "-o", "pipefail", "-c", "\"$@\" \(redirection)", "bash"])
        #expect(run.exitCode == code, "\(run.errors)")
    }
}
