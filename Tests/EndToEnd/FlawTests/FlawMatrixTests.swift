import Foundation
import JSON
import JUnitReading
import Subprocess
import Testing

/// Flaws that are really planted, each with the verdict that must catch it: the exit code, the testcases of `junit.xml`, and the rows by
/// their names. A flaw that is not caught here is not noticed by anybody's run.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FlawMatrixTests {
    @Test(arguments: Planted.all) func isCaught(_ flaw: Planted) async throws {
        let run = try await FlawRun.run(flaw.experiment, flaw.arguments)
        #expect(run.exitCode == flaw.exitCode, "\(run.terminal)")
        #expect(run.results["exitCode"]?.integer == Int64(flaw.exitCode))
        #expect(run.broken == flaw.broken, "\(run.terminal)")
        for (name, type) in flaw.types { #expect(run.junit.result(name)?.type == type) }
        for set in flaw.sets { try expectNamed(set, in: run) }
        if flaw.exitCode >= 4 { #expect(run.results["verdict"]?.string == "invalid") }
    }

    /// The work that the recovery found is proven, shown with the downtime, and undone by the server in its own words.
    @Test func aRecoveryDebtIsProvenAndShown() async throws {
        let load = "load: {dirty: 4MiB, openTransaction: {rows: 2000, for: 1s}}"
        let gentle = "connect: {interval: 100ms}, session: {interval: 100ms}, login: {interval: 250ms}"
        let spec = "\(load)\n  probes: {\(gentle), views: {clusterIP: false, loginInterval: 100ms}}"
        let run = try await FlawRun.run(Planted(name: "debt", spec: spec, exitCode: 0, broken: []).experiment, [])
        #expect(run.exitCode == 0, "\(run.terminal)")
        let found = try #require(run.results["experiments"]?.array?.first?["repeats"]?.array?.first)
        #expect(try #require(found["debt"]?["logBytes"]?.integer) >= 4 << 20)
        #expect(found["debt"]?["openRows"]?.integer == 2000)
        let recoveries = found["recoveries"]?.array?.compactMap { $0["database"]?.string }
        #expect(recoveries?.contains("aftershock") == true)
        // Measured from outside, it cannot be shorter than the server says.
        let own = try #require(found["recoveries"]?.array?.first { $0["database"]?.string == "aftershock" })
        let took = try ["analysisMs", "redoMs", "undoMs"].map { try #require(own[$0]?.integer) }.reduce(0, +)
        #expect(found["measuredRecovery"]?["database"]?.string == "aftershock")
        #expect(found["measuredRecovery"]?["upperMs"]?.milliseconds.map { $0 >= Double(took) } == true, "\(own)")
        let downtime = found["checks"]?.array?.first { $0["name"]?.string == "downtime" }
        #expect(downtime?["message"]?.string?.contains("to redo and 2000 rows to undo") == true)
    }

    /// Without any flaw the same runs pass: the matrix can tell. No transfer is torn, and a client that comes back keeps its promise.
    @Test(arguments: ["processKill: {}", "podDelete: {}", "none: {duration: 2s}"]) func aSoundClusterPasses(fault: String) async throws {
        var sound = Planted(name: "none", fault: fault, transfers: 2, client: Planted.pool(deadFor: 0), exitCode: 0, broken: [])
        sound.idle = "{silentFor: 1s}"
        let run = try await FlawRun.run(sound.experiment, [])
        #expect(run.exitCode == 0, "\(run.terminal)")
        #expect(run.broken == [], "\(run.terminal)")
        #expect(run.results["verdict"]?.string == "pass")
        #expect(run.count("lost") == 0)
        #expect(run.count("acknowledged") > 50)
        #expect(run.count("torn") == 0)
        #expect(run.ledger?["transfers"]?["sum"] == 0)
        #expect(try #require(run.ledger?["transfers"]?["acknowledged"]?.integer) > 10)
        let found = run.results["experiments"]?.array?.first?["repeats"]?.array?.first
        if !fault.hasPrefix("none") {
            #expect(try #require(found?["split"]?["kubeProxy"]?["lowerMs"]?.milliseconds) < Self.lag, "\(run.terminal)")
        }
        let idle = found?["idle"]
        #expect(try #require(idle?["withoutFault"]?["answered"]?.integer) > 0)
        // A silent connection is told at once that its server was killed, or told to go.
        let reset = try #require(idle?["overFault"]?["reset"]?.integer)
        #expect(fault.hasPrefix("none") ? reset == 0 : reset > 0)
    }

    /// The server is back, and the proxy has not noticed: told from the server, and that Kubernetes said Ready meanwhile. `aSoundClusterPasses`
    /// has the same views.
    @Test func aProxyThatLagsIsToldFromTheServer() async throws {
        let run = try await FlawRun.run(
            Planted(name: "slow proxy", fault: "podDelete: {}", exitCode: 0, broken: []).experiment, ["--sandbox-flaw", "slow-proxy"])
        #expect(run.exitCode == 0, "\(run.terminal)")
        let found = try #require(run.results["experiments"]?.array?.first?["repeats"]?.array?.first)
        #expect(try #require(found["split"]?["kubeProxy"]?["lowerMs"]?.milliseconds) > Self.lag, "\(run.terminal)")
        #expect(try #require(found["readyNotServed"]?["lowerMs"]?.milliseconds) > Self.lag, "\(run.terminal)")
        #expect(run.terminal.contains("Kubernetes said Ready while no client could log in"))
    }

    /// Milliseconds: less than a slow proxy's lag, and more than a sound one's.
    private static let lag = 2000.0

    @Test func aServerThatObeysStopsCleanly() async throws {
        let flaw = Planted(name: "none", fault: "podDelete: {}", shutdown: "clean", exitCode: 0, broken: [])
        let run = try await FlawRun.run(flaw.experiment, [])
        #expect(run.exitCode == 0, "\(run.terminal)")
        #expect(run.broken == [])
        #expect(run.junit.result("shutdown") == nil, "a testcase that passed has no result element")
        let shutdown = run.results["experiments"]?.array?.first?["repeats"]?.array?.first?["shutdown"]
        #expect(shutdown?["clean"] == true)
        #expect(shutdown?["exitCode"] == 0)
    }

    /// Each loss comes with at least one row that was committed and never acknowledged: the counts fit, the rows do not.
    @Test func aLossThatUnansweredCommitsMaskByCount() async throws {
        let flaw = Planted(
            name: "masked", database: ["lose-one-in=100", "unanswered-commit=20"], seedRows: 200, exitCode: 3, broken: [],
            neverRecovers: true)
        let run = try await FlawRun.run(flaw.experiment, flaw.arguments)
        #expect(run.exitCode == 3, "\(run.terminal)")
        #expect(run.junit.result("data-persistence")?.type == "verdict.data-lost")
        #expect(run.count("unknownPresent") >= run.count("lost"))
        let promised = run.count("kept") + run.count("lost") + run.count("corrupt") + run.count("duplicate")
        #expect(run.count("read") >= promised, "a count alone would find nothing missing")
        try expectNamed("lost", in: run)
    }

    /// A repeat that cannot even be prepared is the target's doing, not a fault of the harness.
    @Test func aLedgerThatCannotBePrepared() async throws {
        let flaw = Planted(name: "no database", fault: "none: {duration: 1s}", exitCode: 4, broken: [])
        let name = String(repeating: "x", count: 200)
        let run = try await FlawRun.run(flaw.experiment.replacing("ledger: {", with: "ledger: {database: \(name), "), [])
        #expect(run.exitCode == 4, "\(run.terminal)")
        #expect(run.results["verdict"]?.string == "aborted")
        #expect(run.terminal.contains("could not open database"))
        #expect(!run.broken.isEmpty)
    }

    /// The harness itself is held up again and again: its probes do not start when they should.
    @Test func aHarnessThatIsHeldUpDoesNotTrustItself() async throws {
        let flaw = Planted(name: "held up", fault: "none: {duration: 6s}", exitCode: 4, broken: ["error downtime"])
        let run = try await FlawRun.run(flaw.experiment, []) { harness in
            // Half of the time it stands still, for less than a probe may take.
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(400))
                kill(harness.value, SIGSTOP)
                try? await Task.sleep(for: .milliseconds(400))
                kill(harness.value, SIGCONT)
            }
        }
        #expect(run.exitCode == 4, "\(run.terminal)")
        #expect(run.junit.result("downtime")?.element == "error")
        #expect(["gate.scheduleLag", "gate.rateTooLow"].contains(run.junit.result("downtime")?.type))
    }

    /// The rows of `set` stand in results.json, and the same ones in junit.xml and on the terminal.
    private func expectNamed(_ set: String, in run: FlawRun) throws {
        #expect(run.count(set) > 0)
        let failure = try #require(run.junit.result("data-persistence"))
        guard set != "stale" else {
            #expect(run.ledger?["staleRegisters"]?.array?.isEmpty == false)
            #expect(failure.body.contains("stale: register of writer"))
            #expect(run.terminal.contains("stale: register of writer"))
            return
        }
        if set == "torn" {
            let torn = run.ledger?["transfers"]?["tornTransfers"]?.array ?? []
            let named = torn.compactMap { one in one["sequence"]?.integer.map { "\(one["writer"]?.integer ?? -1)/\($0)" } }
            let line = "torn: transfer \(try #require(named.first)): the row and the credit are there, the debit is not"
            #expect(failure.body.contains(line))
            #expect(run.terminal.contains(line))
            return
        }
        let first = try #require(run.rows("\(set)Rows").first)
        let line = "\(set) (writer/sequence): \(first)"
        #expect(failure.body.contains(line))
        #expect(run.terminal.contains(line))
    }
}

extension JSONValue {
    fileprivate var milliseconds: Double? {
        if case .double(let value) = self { value } else { integer.map(Double.init) }
    }
}
