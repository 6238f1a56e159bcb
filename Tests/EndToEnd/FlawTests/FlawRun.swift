import Checkout
import Foundation
import JSON
import JUnitReading
import Programs
import Subprocess

/// One run of the built `aftershock` on a sandbox of its own, and what it reported.
struct FlawRun {
    let exitCode: Int32
    /// The table at the end, as a user reads it.
    let terminal: String
    let junit: JUnitDocument
    let results: JSONValue

    /// The testcases that neither passed nor were skipped: `failure downtime`, `error preflight`.
    var broken: Set<String> {
        Set(
            junit.cases.flatMap { testcase in
                testcase.results.filter { $0.element != "skipped" }.map { "\($0.element) \(testcase.name)" }
            })
    }

    var ledger: JSONValue? { results["experiments"]?.array?.first?["repeats"]?.array?.first?["ledger"] }

    /// Returns the number of rows in a set of the ledger; -1 where the rows were not read back.
    func count(_ set: String) -> Int64 { ledger?[set]?.integer ?? -1 }

    /// The identities in `lostRows` and its like, as the texts name them.
    func rows(_ set: String) -> [String] {
        (ledger?[set]?.array ?? []).map { row in
            let writer = row["writer"]?.integer ?? .min
            return "\(writer < 0 ? "baseline" : String(writer))/\(row["sequence"]?.integer ?? .min)"
        }
    }

    /// Runs `experiment` with `arguments`, and ends the harness when it takes longer than any of them may.
    static func run(
        _ experiment: String, _ arguments: [String], while body: @escaping @Sendable (ProcessIdentifier) async throws -> Void = { _ in }
    ) async throws -> FlawRun {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("flaws-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("experiment.yaml").path
        let reports = folder.appendingPathComponent("reports")
        try experiment.write(toFile: file, atomically: true, encoding: .utf8)

        let options = ["run", file, "--sandbox", "--apply", manifest, "--reports", reports.path, "--seed", "7"]
        let outcome = try await Subprocess.run(
            Program.executable("aftershock"), arguments: Arguments(options + arguments), input: .none, output: .sequence, error: .discarded
        ) { execution in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body(execution.processIdentifier) }
                var text = ""
                for try await line in execution.standardOutput.strings() { text += line + "\n" }
                group.cancelAll()
                return text
            }
        }
        guard case .exited(let code) = outcome.terminationStatus else {
            throw ProgramError("the harness ended by \(outcome.terminationStatus)")
        }
        return FlawRun(
            exitCode: code, terminal: outcome.closureResult,
            junit: try JUnitDocument(try Data(contentsOf: reports.appendingPathComponent("junit.xml"))),
            results: try JSONValue(parsing: try Data(contentsOf: reports.appendingPathComponent("results.json"))))
    }

    private static let manifest = Checkout.root.appendingPathComponent("experiments/targets/azure-sql-edge.yaml").path
}
