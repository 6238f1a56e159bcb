import Fault
import Foundation
import Glibc
import JUnitReading
import Journal
import Kubernetes
import Programs
import Testing

/// A short experiment, and what is done to the harness that runs it.
struct Drill: Sendable {
    let name: String
    let fault: String
    /// The kind of undo that the fault needs.
    var undo = "uncordonNode"
    var giveUpAfter = "30s"
    var seed = 50
    /// Redirections of the harness's output, in the words of a shell; `{folder}` is the report folder.
    var redirection = ""
    /// The harness's variables beside those of this process.
    var environment: [String: String] = [:]
    /// The login's `passwordFrom`.
    var passwordFrom = "{secret: mssql, key: MSSQL_SA_PASSWORD}"

    var yaml: String {
        """
        apiVersion: aftershock/v1
        kind: Experiment
        metadata: {name: \(name)}
        spec:
          target:
            namespace: \(TestCluster.namespace)
            workload: deployment/azure-sql-edge
            service: azure-sql-edge
            login: {user: sa, passwordFrom: \(passwordFrom)}
            encryption: {mode: required, trustServerCertificate: true}
          fault: {\(fault)}
          probes: {connect: {interval: 200ms}, session: {interval: 200ms}, login: {interval: 500ms}}
          ledger: {writers: 1, interval: 100ms, seedRows: \(seed)}
          steadyFor: 1s
          stableFor: 1s
          giveUpAfter: \(giveUpAfter)
        """
    }

    /// A run that has ended, by itself or not.
    struct Ended {
        /// `nil` when a signal ended it.
        var code: Int32?
        var folder: String
        /// Is `true` when the moment came for which the signal was meant.
        var wasStruck: Bool
        /// The steps that the journal had come to.
        var steps: [Step]
        /// The harness's output.
        var log: String

        func file(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) }
    }

    /// Runs the experiment on `cluster`, and strikes as soon as the journal has come to `step`; without a step it is left alone.
    ///
    /// - Parameter strike: is given the harness's process and its report folder, and has to end the process, at once or later.
    func run(
        on cluster: TestCluster, at step: Step? = nil,
        strike: @Sendable @escaping (pid_t, _ folder: String) async throws -> Void = { process, _ in kill(process, SIGKILL) }
    ) async throws -> Ended {
        let folder = "\(cluster.folder)/\(name)-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = folder + ".yaml"
        try yaml.write(toFile: file, atomically: true, encoding: .utf8)
        let records = try JournalFollower.records(in: folder)
        let (code, seen) = try await Program.run(
            "aftershock", ["run", file, "--confirm-context", TestCluster.context, "--reports", folder] + cluster.access,
            log: folder + ".log",
            launcher: redirection.isEmpty
                ? ["env"] + environment.map { "\($0.key)=\($0.value)" }
                : ["bash", "-o", "pipefail", "-c", "\"$@\" \(redirection.replacing("{folder}", with: folder))", "bash"]
        ) { process in
            try await firstResult(within: .seconds(90)) { () async throws -> (struck: Bool, steps: [Step])? in
                var steps: [Step] = []
                for await record in records {
                    if let next = Step(record.event), !steps.contains(next) { steps.append(next) }
                    if let step, steps.last == step {
                        try await strike(process, folder)
                        return (true, steps)
                    }
                    if case .runEnded = record.event { return (false, steps) }
                }
                return nil
            }
        }
        let log = (try? String(contentsOfFile: folder + ".log", encoding: .utf8)) ?? ""
        if seen == nil { Issue.record("\(name) came neither to \(step.map(\.description) ?? "an end") nor to its end\n\(log)") }
        return Ended(code: code, folder: folder, wasStruck: seen?.struck ?? false, steps: seen?.steps ?? [], log: log)
    }
}

/// A kind of record that a run comes to: probes and writes, which come all the time, are none.
struct Step: Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Told by a watch: another run may not come to it.
    var isTheClusters: Bool { description.hasPrefix("observation") }

    init?(_ event: Event) {
        switch event {
        case .probe, .probeSkipped, .clientFailed, .vantage, .idleStarted, .idleAsked, .databaseAsked, .write, .blind, .serverLog:
            return nil
        case .runStarted: self.init("runStarted")
        case .experimentStarted: self.init("experimentStarted")
        case .preflightCheck(let check): self.init("preflightCheck \(check.name)")
        case .repeatStarted: self.init("repeatStarted")
        case .stageEntered(let entered): self.init("stage \(entered.stage.rawValue)")
        case .ledgerPrepared: self.init("ledgerPrepared")
        case .probesStarted: self.init("probesStarted")
        case .snapshot(let snapshot): self.init("snapshot \(snapshot.moment.rawValue)")
        case .observation(let observation): self.init("observation \(observation.kind.rawValue)")
        case .undoIntent(let intent): self.init("undoIntent \(intent.kind)")
        case .engine(let state): self.init("engine \(state.moment.rawValue)")
        case .recoveryDebt: self.init("recoveryDebt")
        case .faultBegun: self.init("faultBegun")
        case .faultInjected: self.init("faultInjected")
        case .faultEffect: self.init("faultEffect")
        case .undoResult: self.init("undoResult")
        case .ledgerChecked, .ledgerUnchecked: self.init("ledgerChecked")
        case .repeatEnded: self.init("repeatEnded")
        case .interrupted: self.init("interrupted")
        case .runEnded: self.init("runEnded")
        }
    }
}
