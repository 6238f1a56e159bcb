import Experiment
import Foundation
import Journal
import Secrets
import Synchronization
import TDS
import Testing

@testable import Probe

@Suite(.timeLimit(.minutes(1))) struct ClientRunnerTests {
    private final class Facts: Sendable {
        private let events = Mutex<[Event]>([])

        func add(_ event: Event) { events.withLock { $0.append(event) } }

        var probes: [ProbeResult] {
            events.withLock { $0 }.compactMap { if case .probe(let probe) = $0 { probe } else { nil } }
        }

        var failures: [ClientFailed] {
            events.withLock { $0 }.compactMap { if case .clientFailed(let failed) = $0 { failed } else { nil } }
        }
    }

    private let log = FileManager.default.temporaryDirectory.path + "/client-\(UUID()).log"
    private let facts = Facts()

    private func runner(_ command: [String], monitor: HealthMonitor = HealthMonitor(lanes: [.client: 1])) -> ClientRunner {
        let client = Experiment.Probes.Client(command: command, interval: .seconds(1), timeout: .seconds(1), environment: ["NAMED"])
        let server = TDSConfiguration(host: "127.0.0.9", port: 1444, user: "sa", password: "Pa55-of-the-test")
        return ClientRunner(client, server: server, clock: RunClock(), logPath: log, health: monitor) { [facts] in facts.add($0) }
    }

    private func words() throws -> String { try String(contentsOfFile: log, encoding: .utf8) }

    @Test func aProgramThatEndsIsSaidWithItsLastWordsAndWithoutSecrets() async throws {
        KnownSecrets.add("Pa55-of-the-test")
        try await runner(["sh", "-c", "echo start 1; echo ok 1; echo cannot log in with $AFTERSHOCK_PASSWORD >&2; exit 3"]).run()
        #expect(facts.probes.map(\.failure) == [nil])
        let failed = try #require(facts.failures.first)
        #expect(failed.kind == .ended)
        #expect(failed.message.contains("3") && failed.message.contains("cannot log in with ***"), "\(failed.message)")
        #expect(try words() == "cannot log in with ***\n")
    }

    /// Who waits for the client's health ends the run then: what has become of the client stands in the journal already.
    @Test func theEndIsWrittenDownBeforeItIsKnownToOthers() async throws {
        let monitor = HealthMonitor(lanes: [.client: 1])
        let runner = runner(["true"], monitor: monitor)
        let task = Task { try await runner.run() }
        try await monitor.wait { $0.isOver }
        task.cancel()
        #expect(facts.failures.map(\.kind) == [.ended])
        try await task.value
    }

    @Test func aLineThatIsNotOfTheProtocolEndsTheProgram() async throws {
        try await runner(["sh", "-c", "echo start 1; echo hello; exec sleep 1000"]).run()
        #expect(facts.failures.map(\.kind) == [.brokeProtocol])
        #expect(facts.failures.first?.message.contains("hello") == true)
    }

    @Test func aProgramThatIsNotThereIsSaid() async throws {
        try await runner(["/no/such/program"]).run()
        #expect(facts.failures.map(\.kind) == [.notStarted])
    }

    @Test func itInheritsNothingThatIsNotNamed() async throws {
        setenv("NAMED", "yes", 1)
        setenv("A_TOKEN", "secret", 1)
        try await runner(["sh", "-c", "env >&2; ls -l /proc/$$/fd >&2"]).run()
        let text = try words()
        #expect(text.contains("NAMED=yes") && text.contains("AFTERSHOCK_PORT=1444"))
        #expect(!text.contains("A_TOKEN"))
        #expect(!text.contains("socket:"), "\(text)")
    }

    /// Also what it has started, and also when it does not want to.
    @Test func itEndsWithTheRun() async throws {
        let monitor = HealthMonitor(lanes: [.client: 1])
        let runner = runner(
            ["sh", "-c", "trap '' TERM; sleep 1000 & echo $! $$ >&2; echo start 1; echo ok 1; while :; do sleep 1000; done"],
            monitor: monitor)
        let task = Task { try await runner.run() }
        try await monitor.wait { $0.healthySince != nil }
        task.cancel()
        try await task.value
        #expect(facts.failures.isEmpty)
        let processes = try words().split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
        #expect(processes.count == 2)
        // SIGKILL is sent to the child of the program, and takes effect a moment later; the time limit is for one that was forgotten.
        for id in processes { while Self.runs(id) { try await Task.sleep(for: .milliseconds(5)) } }
        await #expect(throws: Never.self) { try await monitor.wait { $0.isOver } }
    }

    private static func runs(_ id: pid_t) -> Bool {
        let state = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8))?.split(separator: " ").dropFirst(2).first
        return state != nil && state != "Z"
    }
}
