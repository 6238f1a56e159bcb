import Experiment
import Fault
import Foundation
import JSON
import Journal
import Kubernetes
import Testing

@testable import Run

/// A fault that nobody needs. Everything about it is in this type and its undo; the one other line is its entry in the list.
private struct MeteorFault: FaultInjection {
    static let kind = "meteor"
    static let summary = "Drops a stone on the pod."
    static let fields: [Format.Field] = [
        .optional("tonnes", .integer(1...100), .integer(3), "How heavy it is."),
        .required("crater", .text, "The file that it leaves behind."),
    ]
    static let manual = [
        FaultManual("`meteor`", happens: "a stone falls", proof: "a crater", restored: "the crater", restoredProof: "it is gone")
    ]
    static var undoActions: [any UndoAction.Type] { [FillCrater.self] }

    let tonnes: Int
    let crater: String

    init(_ fields: FormatValue, options: FaultOptions) {
        tonnes = fields.integer("tonnes")
        crater = fields.requiredText("crater")
    }

    func plan(_ target: FaultTarget) -> [String] { ["drop \(tonnes) t on pod \(target.pod)"] }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        [ResourceAttributes(verb: "smash", resource: "pods", namespace: scope.namespace)]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        _ = try context.intend(FillCrater(path: crater))
        try Data().write(to: URL(fileURLWithPath: crater))
        return "it fell"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        FaultEffect(proven: FileManager.default.fileExists(atPath: crater), evidence: [crater])
    }
}

private struct FillCrater: UndoAction {
    static let kind = "fillCrater"

    var path: String

    var summary: String { "fill \(path)" }
    var object: MarkedObject { .node("earth") }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        try FileManager.default.removeItem(atPath: path)
        return "\(path) is filled"
    }
}

/// The promise of the architecture: a fault is one folder and one line, and everything has it.
@Suite struct DummyFaultTests {
    private let catalog = FaultCatalog(FaultCatalog.standard.kinds + [MeteorFault.self])
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("meteor-\(UUID().uuidString)")

    private func experiment(_ fault: String) throws -> Experiment {
        let text = """
            apiVersion: aftershock/v1
            kind: Experiment
            metadata: {name: x}
            spec:
              target: {namespace: sql, workload: deployment/a, service: a, login: {passwordFrom: {env: P}}}
              fault: {\(fault)}
            """
        return try #require(ExperimentFile.parse(text, file: "x", faults: catalog.formats).first)
    }

    private func options(crater: String = "c") throws -> (Experiment, RunOptions) {
        let options = RunOptions(folder: folder.path, runID: "1", version: "1", seed: 1, faults: catalog)
        return (try experiment("meteor: {crater: \(crater)}"), options)
    }

    private let target = FaultTarget(
        namespace: "sql", workload: "deployment/sql", pod: "sql-0", podUID: "u", node: "n", container: "c", containerID: "containerd://1",
        restartCount: 0, lease: "l")

    @Test func theFileFormatHasIt() throws {
        let fault = ExperimentFile.jsonSchema(faults: catalog.formats)["properties"]?["spec"]?["properties"]?["fault"]
        #expect(fault?["properties"]?["meteor"]?["properties"]?["tonnes"]?["default"] == 3)
        let error = #expect(throws: ExperimentFileError.self) { try experiment("meteor: {crater: a, tonnes: 101}") }
        #expect(error?.description.hasPrefix("x:6:39: error: spec.fault.meteor.tonnes: 101 is not between 1 and 100") == true)
        let typo = #expect(throws: ExperimentFileError.self) { try experiment("meteo: {crater: a}") }
        #expect(typo?.diagnostics.contains { $0.hint == "did you mean 'meteor'?" } == true)
        #expect(throws: ExperimentFileError.self) {
            try ExperimentFile.parse(
                "fault: {meteor: {crater: a}}", file: "x", faults: FaultCatalog.standard.formats)
        }
    }

    @Test func thePlanTheRolesAndTheManualHaveIt() throws {
        let (experiment, options) = try options()
        let fault = options.injection(experiment.fault)
        #expect(fault.plan(target) == ["drop 3 t on pod sql-0"])
        let needed = Permissions(experiment: experiment, fault: fault).required
        #expect(needed.map(\.description).contains("smash pods in namespace sql"))
        let roles = RBACManifest(account: "a", namespace: "b", permissions: needed).objects
        #expect(roles.contains { $0["rules"]?.array?.contains { $0["verbs"]?.array?.contains("smash") == true } == true })
        #expect(catalog.manual.contains("| `meteor` | a stone falls | a crater | the crater | it is gone |"))
    }

    /// Injected, killed, restored: from the journal alone.
    @Test func restoreHasIt() async throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let crater = folder.appendingPathComponent("crater").path
        let (experiment, options) = try options(crater: crater)
        let client = try nobody()
        do {
            let journal = try JournalWriter(creating: options.journalPath, clock: RunClock())
            let context = FaultContext(client: client, journal: journal, runID: "1", actions: catalog.undoActions)
            let fault = options.injection(experiment.fault)
            _ = try await fault.inject(target, context)
            #expect(try await fault.prove(target, context, timeout: .zero).proven)
        }
        let unaware = try await Restorer(client: client).restore(journalPath: options.journalPath, agrees: { _ in false })
        #expect(unaware.map(\.proven) == [false])
        #expect(FileManager.default.fileExists(atPath: crater))
        let restored = try await Restorer(client: client, faults: catalog).restore(journalPath: options.journalPath, agrees: { _ in false })
        #expect(restored.map(\.summary) == ["fill \(crater)"])
        #expect(restored.map(\.proven) == [true])
        #expect(!FileManager.default.fileExists(atPath: crater))
        #expect(
            try await Restorer(client: client, faults: catalog).restore(journalPath: options.journalPath, agrees: { _ in false }).isEmpty)
    }

    /// A client of a cluster that is never asked.
    private func nobody() throws -> KubernetesClient {
        let file = folder.appendingPathComponent("config")
        let config = """
            apiVersion: v1
            kind: Config
            current-context: c
            contexts: [{name: c, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
            users: [{name: u, user: {token: t}}]
            """
        try config.write(to: file, atomically: true, encoding: .utf8)
        return try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: file.path)))
    }
}
