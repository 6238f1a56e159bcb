import Foundation
import JSON
import JUnitReading
import Programs
import Testing

/// A run that has ended, and its report.
struct Run: Sendable {
    let code: Int32
    /// Its output.
    let log: String
    let folder: String

    func text(_ file: String) throws -> String { try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8) }
    var results: JSONValue { get throws { try JSONValue(parsing: Data(text("results.json").utf8)) } }
    var junit: JUnitDocument { get throws { try JUnitDocument(Data(text("junit.xml").utf8)) } }
    var verdicts: [String?] { get throws { try results["experiments"]?.array?.map { $0["verdict"]?.string } ?? [] } }
    var firstRepeat: JSONValue? { get throws { try results["experiments"]?[0]?["repeats"]?[0] } }
}

extension TestSandbox {
    /// Runs experiments, given by their texts.
    func run(_ experiments: [String], _ options: [String] = []) async throws -> Run {
        let folder = "\(folder)/report-\(UUID().uuidString)"
        let files = try experiments.enumerated().map { try write($1, as: "experiment-\($0)-\(UUID().uuidString).yaml") }
        let outcome = try await Program.run(
            "aftershock", ["run"] + files + ["--reports", folder, "--confirm-context", Self.context] + access + options)
        return Run(code: outcome.exitCode, log: outcome.output + outcome.errors, folder: folder)
    }

    func plan(_ experiment: String, _ options: [String] = []) async throws -> Program.Outcome {
        let file = try write(experiment, as: "plan-\(UUID().uuidString).yaml")
        return try await Program.run("aftershock", ["plan", file, "--confirm-context", Self.context] + access + options)
    }

    func apply(_ manifest: String) async throws {
        let applied = try await kubectl(["apply", "-f", "-"], input: manifest)
        try #require(applied.exitCode == 0, "\(applied.errors)")
    }

    /// Waits until every pod of the namespaces is ready.
    func ready(_ namespaces: [String]) async throws {
        for namespace in namespaces {
            let waited = try await kubectl([
                "wait", "-n", namespace, "--for=jsonpath={.status.readyReplicas}=1", "deployments,statefulsets", "--all", "--timeout=60s",
            ])
            let pods = try await kubectl(["get", "pods", "-n", namespace, "-o", "wide"])
            #expect(waited.exitCode == 0, "\(namespace): \(waited.errors)\(pods.output)")
        }
    }

    /// The text at a path of an object, in kubectl's words.
    func value(_ path: String, of object: String, in namespace: String) async throws -> String {
        try await kubectl(["get", object, "-n", namespace, "-o", "jsonpath={\(path)}"]).output
    }
}
