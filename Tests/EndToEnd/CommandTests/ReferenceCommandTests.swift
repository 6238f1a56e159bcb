import Checkout
import Foundation
import Programs
import Testing

/// `aftershock reference`: two lines of the table, a repeat each. The first one is interrupted in the middle of its fault.
@Suite struct ReferenceCommandTests {
    @Test(.timeLimit(.minutes(3))) func itMeasuresWhatIsMissingAndNothingTwice() async throws {
        let library = Checkout.root.appendingPathComponent("experiments")
        let manifest = try String(contentsOf: library.appendingPathComponent("targets/azure-sql-edge.yaml"), encoding: .utf8)
        let settings = try String(contentsOf: library.appendingPathComponent("reference/reference.yaml"), encoding: .utf8)
            .replacing("steadyFor: 10s", with: "steadyFor: 1s").replacing("stableFor: 10s", with: "stableFor: 1s")
        try await TestSandbox.with(manifests: [manifest]) { sandbox in
            let settled = try await sandbox.kubectl(["rollout", "status", "-n", "sql", "deployment/azure-sql-edge", "--timeout=60s"])
            #expect(settled.exitCode == 0, "\(settled.errors)")
            let file = try sandbox.write(settings, as: "settings.yaml")
            let reports = sandbox.folder + "/reference"
            func reference(_ file: String, _ more: [String], launcher: [String] = []) async throws -> Program.Outcome {
                try await Program.run(
                    "aftershock",
                    ["reference", file, "--reports", reports, "--only", "process-kill", "--debt", "1MiB", "--quiet"] + more,
                    launcher: launcher)
            }
            func runs() throws -> [String] {
                try FileManager.default.subpathsOfDirectory(atPath: reports).filter { $0.hasSuffix("journal.ndjson") }.sorted()
            }
            let access = sandbox.access + ["--confirm-context", TestSandbox.context, "--repeat", "1"]
            let interrupt = """
                "$@" & pid=$!
                tail --pid=$pid -s 0.02 -n +1 -F '\(reports)/process-kill/1/journal.ndjson' 2>&- | grep -q -m 1 '"event":"faultInjected"'
                kill -INT $pid; wait $pid
                """
            let interrupted = try await reference(file, access, launcher: ["bash", "-c", interrupt, "bash"])
            #expect(interrupted.exitCode == 130, "\(interrupted.output)\(interrupted.errors)")
            #expect(try runs() == ["process-kill/1/journal.ndjson"])
            let partial = try String(contentsOfFile: reports + "/reference.md", encoding: .utf8)
            #expect(partial.contains("| process-kill | none | 0 | "), "\(partial)")

            let first = try await reference(file, access)
            #expect([0, 4].contains(first.exitCode), "\(first.output)\(first.errors)")
            let measured = ["process-kill-1mib/1/journal.ndjson", "process-kill/1/journal.ndjson", "process-kill/2/journal.ndjson"]
            #expect(try runs() == measured)
            let page = try String(contentsOfFile: reports + "/reference.md", encoding: .utf8)
            #expect(page.contains("The server is SandboxSQL"))
            if first.exitCode == 0 {
                #expect(page.contains("| process-kill | none | 1 | "))
                #expect(page.contains("MiB | 1 | "))
            }

            let again = try await reference(file, access)
            #expect(again.exitCode == first.exitCode, "\(again.errors)")
            #expect(try runs() == measured)

            let offline = try await reference(file, ["--repeat", "1", "--page-only", "--to", sandbox.folder + "/page.md"])
            #expect(offline.exitCode == first.exitCode)
            #expect(try String(contentsOfFile: sandbox.folder + "/page.md", encoding: .utf8) == page)

            let other = try sandbox.write(settings.replacing("stableFor: 1s", with: "stableFor: 2s"), as: "other.yaml")
            let refused = try await reference(other, access)
            #expect(refused.exitCode == 64)
            #expect(refused.errors.contains("another target or other settings"), "\(refused.errors)")
        }
    }
}
