import Checkout
import Foundation
import JSON
import Programs
import Testing

/// Answers for programs, standard input, slips of the pen, and narrow terminals.
@Suite struct CommandLineTests {
    private static let experiment = Checkout.root.appendingPathComponent("experiments/control.yaml").path

    private func json(_ arguments: [String], input: String = "", code: Int32) async throws -> JSONValue {
        let run = try await Program.run("aftershock", arguments + ["-o", "json"], input: input)
        #expect(run.exitCode == code, "\(run.errors)")
        return try JSONValue(parsing: Data(run.output.utf8))
    }

    @Test func experimentsAreValidatedFromStandardInput() async throws {
        let text = try String(contentsOfFile: Self.experiment, encoding: .utf8)
        let valid = try await json(["validate", "-"], input: text, code: 0)
        #expect(valid["valid"]?.bool == true)
        #expect(valid["experiments"]?.array?.first?["file"]?.string == "-")
        let wrong = try await json(["validate", "-", "/nowhere.yaml"], input: text + "  nonsense: 1\n", code: 64)
        #expect(wrong["valid"]?.bool == false)
        let problems = try #require(wrong["problems"]?.array)
        #expect(problems.contains { $0["message"]?.string == "/nowhere.yaml does not exist" })
        #expect(problems.contains { $0["file"]?.string == "-" && ($0["line"]?.integer ?? 0) > 1 })
    }

    @Test func doctorSaysAllFindingsAtOnce() async throws {
        let found = try await json(["doctor", "--kubeconfig", "/nowhere", "/nowhere.yaml"], code: 64)
        let checks = try #require(found["sections"]?.array).flatMap { $0["checks"]?.array ?? [] }
        #expect(Set(checks.compactMap { $0["name"]?.string }) == ["kubeconfig", "file"])
        #expect(checks.allSatisfy { $0["status"]?.string == "failed" })
    }

    @Test func permissionsAreAListThatKubectlTakes() async throws {
        let list = try await json(["rbac", Self.experiment], code: 0)
        #expect(list["kind"]?.string == "List")
        #expect(list["items"]?.array?.contains { $0["kind"]?.string == "Role" } == true)
    }

    @Test(arguments: [
        (["rnu"], "Did you mean 'run'?"), (["comapre", "a", "b"], "Did you mean 'compare'?"),
        (["report", "mrge"], "Did you mean 'report merge'?"),
        (["run", "--quite", "x"], "Did you mean '--quiet'?"), (["restore"], "exactly one of"), (["run", "--repeat", "0", "x"], "--repeat"),
    ])
    func aSlipIsAnsweredByTheNearestWord(_ arguments: [String], _ words: String) async throws {
        let run = try await Program.run("aftershock", arguments)
        #expect(run.exitCode == 64)
        #expect(run.errors.contains(words))
        #expect(run.errors.hasPrefix("error: "), "one spelling, in every command: \(run.errors)")
    }

    /// An exit code of 0 would be taken for that of a run that passed.
    @Test(
        arguments: [
            ([], nil, Int32(64), "no command is given"), (["validate"], "mount -t tmpfs none /proc && exec \"$@\"", 70, "mount /proc"),
        ] as [([String], String?, Int32, String)])
    func withoutArgumentsNothingPasses(_ arguments: [String], _ script: String?, _ code: Int32, _ words: String) async throws {
        let launcher = script.map { ["unshare", "-rm", "sh", "-c", $0, "sh"] } ?? []
        let run = try await Program.run("aftershock", arguments, launcher: launcher)
        #expect(run.exitCode == code && run.errors.contains(words), "\(run.output)\(run.errors)")
    }

    /// The names in a history come from many clusters.
    @Test func aHistoryCannotCommandTheTerminal() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("history-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        let experiment = #"{"name":"a","fault":"none","verdict":"pass","notPassed":[],"downtimes":[]}"#
        try Data(
            (#"{"schema":"aftershock.history/v1","run":"1","startedAt":"x","cluster":"\u001b[31mred\n::error::x","experiments":["#
                + experiment + "]}\n").utf8
        ).write(to: file)
        let run = try await Program.run("aftershock", ["history", file.path])
        #expect(run.exitCode == 0 && run.output.contains("red"), "\(run.output)\(run.errors)")
        #expect(!run.output.contains("\u{1B}") && !run.output.contains("\n::error"), "\(run.output)")
    }

    /// Plays GitHub: the summary is appended to the step's file, and an annotation is a line that begins with the command.
    @Test func gitHubGetsASummaryAndAnnotations() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("github-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let summary = folder.appendingPathComponent("summary.md")
        try Data("before\n".utf8).write(to: summary)
        let run = try await Program.run(
            "aftershock",
            ["run", Self.experiment, "--server", "https://127.0.0.1:1", "--reports", folder.appendingPathComponent("run").path],
            environment: ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary.path])
        #expect(run.exitCode == 5, "\(run.errors)")
        let lines = run.errors.split(separator: "\n")
        let annotations = lines.filter { $0.hasPrefix("::error ") }
        #expect(annotations.count == 1, "\(run.errors)")
        #expect(annotations.first?.contains("::preflight: ") == true, "\(annotations)")
        let text = try String(contentsOf: summary, encoding: .utf8)
        #expect(text.hasPrefix("before\n") && text.contains("control"), "\(text)")
    }

    /// An annotation is shown at the line in the repository that it is about, also when the job works in a folder below its root.
    @Test func annotationsLeadToTheFileAndItsLine() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("github-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let experiments = folder.appendingPathComponent("nightly/experiments")
        try FileManager.default.createDirectory(at: experiments, withIntermediateDirectories: true)
        let file = experiments.appendingPathComponent("one, two.yaml")
        let text = try String(contentsOfFile: Self.experiment, encoding: .utf8)
        try Data(text.utf8).write(to: file)
        let environment = ["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": folder.path, "GITHUB_STEP_SUMMARY": ""]
        func annotation(_ arguments: [String]) async throws -> String {
            let run = try await Program.run("aftershock", arguments, environment: environment)
            return try #require(run.errors.split(separator: "\n").first { $0.hasPrefix("::error ") }.map(String.init), "\(run.errors)")
        }
        let run = try await annotation(
            ["run", file.path, "--server", "https://127.0.0.1:1", "--reports", folder.appendingPathComponent("run").path])
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.hasPrefix("  target:") }) + 1
        #expect(run.hasPrefix("::error file=nightly/experiments/one%2C two.yaml,line=\(line),col=3,title="), "\(run)")
        try Data(text.replacing("  target:", with: "  tarket:").utf8).write(to: file)
        let refusal = try await annotation(["validate", file.path])
        #expect(refusal.hasPrefix("::error file=nightly/experiments/one%2C two.yaml,line="), "\(refusal)")
    }
}
