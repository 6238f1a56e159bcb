import Foundation
import Glibc
import JSON
import JUnitReading
import Journal
import Kubernetes
import Programs
import Subprocess
import Testing

/// The things that `restore`, and a harness that is told to stop twice, must not do.
@Suite(.serialized, .timeLimit(.minutes(10))) struct RestoreTests {
    @Test func aRunThatStillGoesOnIsLeftAlone() async throws {
        try await TestCluster.with { cluster in
            let run = try await Drill(name: "drain", fault: "nodeDrain: {timeout: 30s}").run(on: cluster, at: Step("faultInjected")) {
                process, folder in
                // It lives, and cannot restore meanwhile.
                kill(process, SIGSTOP)
                let restored = try await Program.run("aftershock", ["restore", "--run", folder] + cluster.access)
                #expect(restored.exitCode == 6)
                #expect(restored.errors.contains("still goes on"), "\(restored.errors)")
                #expect(try await cluster.client.list(Node.self, in: .all).items.contains(where: \.isCordoned))
                // Its files say that it runs, and nothing else.
                let refused = try await Program.run("aftershock", ["report", folder])
                #expect(refused.exitCode == 64 && refused.errors.contains("still goes on"), "\(refused.errors)")
                func file(_ name: String) throws -> String { try String(contentsOfFile: folder + "/" + name, encoding: .utf8) }
                let results = try JSONValue(parsing: Data(try file("results.json").utf8))
                #expect(results["state"]?.string == "running")
                #expect(results["verdict"] == nil && results["exitCode"] == nil && results["experiments"]?[0]?["verdict"] == nil)
                #expect(try file("metrics.prom").contains("aftershock_run_in_progress 1"))
                #expect(try !file("metrics.prom").contains("aftershock_verdict"))
                #expect(try JUnitDocument(Data(file("junit.xml").utf8)).cases.allSatisfy { $0.results.map(\.element) == ["skipped"] })
                #expect(try file("summary.md").hasPrefix("# RUNNING"))
                kill(process, SIGKILL)
            }
            let killed = try await Program.run("aftershock", ["report", run.folder])
            #expect(killed.exitCode == 6, "\(killed.output)")
            #expect(killed.output.contains("KILLED"), "\(killed.output)")
            #expect(killed.output.contains("the harness was killed at the stage"), "\(killed.output)")
            #expect(killed.output.contains("aftershock restore --run \(run.folder) --context \(TestCluster.context)"), "\(killed.output)")
            let elsewhere = try await Program.run("aftershock", ["restore", "--run", run.folder] + Self.inAnotherContext(cluster))
            #expect(elsewhere.exitCode == 6)
            #expect(elsewhere.errors.contains("the context is 'elsewhere'"), "\(elsewhere.errors)")
            let restored = try await Program.run("aftershock", ["restore", "--run", run.folder] + cluster.access)
            #expect(restored.exitCode == 0)
            #expect(try await !cluster.client.list(Node.self, in: .all).items.contains(where: \.isCordoned))
        }
    }

    /// The undo says when it has begun, and waits: the second signal finds a harness that has seen the first and has restored nothing.
    @Test func theSecondSignalSaysWhatStaysBehind() async throws {
        try await TestCluster.with { cluster in
            let (begun, held) = (cluster.folder + "/begun", cluster.folder + "/held")
            #expect(mkfifo(begun, 0o600) == 0 && mkfifo(held, 0o600) == 0)
            let fault = "command: {inject: [\"true\"], undo: [sh, -c, \"echo >'\(begun)'; cat '\(held)'\"], probe: [\"true\"]}"
            let run = try await Drill(name: "command", fault: fault).run(on: cluster, at: Step("undoIntent runCommand")) { process, _ in
                kill(process, SIGTERM)
                // Opening a pipe waits for its other end.
                _ = try await Subprocess.run(.name("cat"), arguments: [begun], output: .discarded)
                kill(process, SIGINT)
            }
            #expect(run.code == 130, "\(run.log)")
            #expect(run.log.contains("This stays behind:\n  run: sh -c "), "\(run.log)")
            #expect(run.log.contains("aftershock restore --run \(run.folder)"), "\(run.log)")
            // Lets go of the undo that has outlived its harness; the next one finds nothing to wait for.
            close(open(held, O_RDWR))
            for pipe in [begun, held] {
                try FileManager.default.removeItem(atPath: pipe)
                try Data().write(to: URL(fileURLWithPath: pipe))
            }
            let restored = try await Program.run("aftershock", ["restore", "--run", run.folder, "--run-commands"] + cluster.access)
            #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
        }
    }

    /// Another harness has taken over, as after a machine that slept: two of them would measure each other.
    @Test func aHarnessWhoseLeaseIsTakenStopsAndPutsBack() async throws {
        try await TestCluster.with { cluster in
            let drill = Drill(name: "freeze", fault: "processKill: {signal: STOP, resumeAfter: 1m}", giveUpAfter: "2m")
            let run = try await drill.run(on: cluster, at: Step("faultEffect")) { _, _ in
                let lease = try #require(try await cluster.client.list(Lease.self, in: .namespace(TestCluster.namespace)).items.first)
                try await cluster.client.patch(
                    Lease.self, lease.metadata.name, in: TestCluster.namespace, .merge(["spec": ["holderIdentity": "another"]]))
            }
            #expect(run.code == 4, "\(run.log)")
            #expect(try !JUnitDocument(run.file("junit.xml")).passes)
            #expect(run.log.contains("another harness has taken the target's lease"), "\(run.log)")
            #expect(try await cluster.frozenProcesses() == 0)
            let leases = try await cluster.client.list(Lease.self, in: .namespace(TestCluster.namespace)).items
            #expect(leases.map(\.spec?.holderIdentity) == ["another"])
        }
    }

    /// A user who may annotate a node must not have commands run on the machine of the one who restores.
    @Test func aCommandInAMarkIsRunOnlyWhenAskedFor() async throws {
        try await TestCluster.with { cluster in
            let witness = cluster.folder + "/witness"
            let mark: JSONValue = [
                "runID": "0badcafe",
                "intent": [
                    "id": 1, "kind": "runCommand", "summary": .string("run: touch \(witness)"),
                    "parameters": ["node": "worker-1", "arguments": ["touch", .string(witness)], "timeout": "5s", "readyWithin": "5s"],
                ],
            ]
            try await Self.annotate("worker-1", mark, cluster)
            let refused = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
            #expect(refused.exitCode == 6)
            #expect(refused.output.contains("--run-commands"), "\(refused.output)\(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: witness))
            let asked = try await Program.run("aftershock", ["restore", "--run-id", "0badcafe", "--run-commands"] + cluster.access)
            #expect(asked.exitCode == 0, "\(asked.output)\(asked.errors)")
            #expect(FileManager.default.fileExists(atPath: witness))
        }
    }

    /// Nobody knows what a command has touched: the Lease of the target, which is the run's own, says how it is undone.
    @Test func aCommandsUndoIsFoundWithoutTheJournal() async throws {
        try await TestCluster.with { cluster in
            func isLabelled() async throws -> Bool {
                try await cluster.client.list(Node.self, in: .all).items.contains { $0.metadata.labels["broken"] == "yes" }
            }
            let drill = Drill(
                name: "command",
                fault: """
                    command: {inject: [kubectl, label, node, "{node}", broken=yes], undo: [kubectl, label, node, "{node}", broken-],
                    probe: [sh, -c, "kubectl get node {node} --show-labels | grep broken=yes"]}
                    """)
            let run = try await drill.run(on: cluster, at: Step("faultEffect"))
            try FileManager.default.removeItem(atPath: run.folder)
            #expect(try await isLabelled())
            let refused = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
            #expect(refused.exitCode == 6)
            #expect(refused.output.contains("--run-commands"), "\(refused.output)\(refused.errors)")
            let restored = try await Program.run("aftershock", ["restore", "--all", "--run-commands"] + cluster.access)
            #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
            #expect(try await !isLabelled())
            #expect(try await cluster.client.list(Lease.self, in: .namespace(TestCluster.namespace)).items.isEmpty)
        }
    }

    @Test func aMarkThatIsAboutAnotherObjectIsRefused() async throws {
        try await TestCluster.with { cluster in
            let pod = try await cluster.pod().metadata.name
            let mark: JSONValue = [
                "runID": "0badcafe",
                "intent": [
                    "id": 1, "kind": "deletePod", "summary": "delete it",
                    "parameters": ["namespace": .string(TestCluster.namespace), "pod": .string(pod)],
                ],
            ]
            try await Self.annotate("worker-1", mark, cluster)
            let refused = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
            #expect(refused.exitCode == 6)
            #expect(refused.output.contains("× node/worker-1"), "\(refused.output)\(refused.errors)")
            #expect(try await cluster.pod().metadata.name == pod)
        }
    }

    /// Neither a mark that others wrote, nor one that nobody can read, nor a journal of others makes `restore` do what they want.
    @Test func onlyWhatARunHasChangedIsRestored() async throws {
        try await TestCluster.with { cluster in
            let pod = try await cluster.pod()
            let name = pod.metadata.name
            let intent = UndoIntent(
                id: 1, kind: "deletePod", summary: "delete helper pod",
                parameters: ["namespace": .string(TestCluster.namespace), "pod": .string(name)])
            let mark: JSONValue = ["runID": "0badcafe", "intent": try JSONValue(encoding: intent)]
            let labels: JSONValue = ["app.kubernetes.io/managed-by": "aftershock", "aftershock/run-id": "0badcafe"]
            let annotation = String(decoding: try mark.data(), as: UTF8.self)
            try await cluster.client.patch(
                Pod.self, name, in: TestCluster.namespace,
                .merge(["metadata": ["labels": labels, "annotations": ["aftershock/undo": .string(annotation)]]]))
            try await cluster.client.patch(
                Node.self, "worker-2", .merge(["metadata": ["annotations": ["aftershock/undo": "x\u{1B}[2J\n::error::owned"]]]))
            let taint: JSONValue = [
                "runID": "0badcafe",
                "intent": [
                    "id": 2, "kind": "removeTaint", "summary": "remove taint",
                    "parameters": ["node": "worker-3", "key": "aftershock/taint", "effect": "NoExecute"],
                ],
            ]
            try await Self.annotate("worker-3", taint, cluster)
            try await cluster.client.patch(
                Node.self, "worker-3",
                .merge(["spec": ["taints": [["key": "aftershock/taint", "value": "injected", "effect": "NoExecute"]]]]))
            let byMark = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
            #expect(byMark.exitCode == 6, "\(byMark.output)\(byMark.errors)")
            #expect(byMark.output.contains("is not a helper pod of a run"), "\(byMark.output)")
            #expect(byMark.output.contains("× node/worker-2"), "\(byMark.output)")
            #expect(byMark.output.contains("√ node/worker-3"), "\(byMark.output)")
            #expect(try await cluster.client.get(Node.self, "worker-3").spec?.taints ?? [] == [])
            #expect(try await cluster.pod().metadata.uid == pod.metadata.uid)

            let folder = cluster.folder + "/crafted"
            let witness = cluster.folder + "/witness"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            do {
                let journal = try JournalWriter(creating: folder + "/journal.ndjson", clock: RunClock())
                try journal.append(.undoIntent(intent))
                try journal.append(
                    .undoIntent(
                        UndoIntent(
                            id: 2, kind: "runCommand", summary: "run: touch",
                            parameters: ["arguments": ["touch", .string(witness)], "timeout": "5s", "namespace": "sql", "lease": "none"])))
            }
            let byJournal = try await Program.run("aftershock", ["restore", "--run", folder] + cluster.access)
            #expect(byJournal.exitCode == 6, "\(byJournal.output)\(byJournal.errors)")
            #expect(byJournal.output.contains("--run-commands"), "\(byJournal.output)")
            #expect(!FileManager.default.fileExists(atPath: witness))
            #expect(try await cluster.pod().metadata.uid == pod.metadata.uid)
        }
    }

    /// The times in a Lease are of another machine's clock: only a Lease that does not change may be taken over.
    @Test(arguments: [-3600.0, 3600]) func aLeaseIsJudgedByItsChangesAndNotByItsTimes(skew: Double) async throws {
        try await TestCluster.with { cluster in
            func time() -> JSONValue {
                .string(ISO8601DateFormatter().string(from: Date().addingTimeInterval(skew)).replacing("Z", with: ".000000Z"))
            }
            let lease = "aftershock-azure-sql-edge"
            let spec: JSONValue = ["holderIdentity": "0badcafe", "leaseDurationSeconds": 4, "renewTime": time()]
            _ = try await cluster.client.create(
                Lease.self, ["metadata": ["name": .string(lease)], "spec": spec], in: TestCluster.namespace)
            let renewing = Task {
                while true {
                    try await Task.sleep(for: .milliseconds(1100))
                    try await cluster.client.patch(Lease.self, lease, in: TestCluster.namespace, .merge(["spec": ["renewTime": time()]]))
                }
            }
            let drill = Drill(name: "control", fault: "none: {duration: 1s}")
            let refused = try await drill.run(on: cluster)
            #expect(refused.code == 5, "\(refused.log)")
            #expect(refused.log.contains("run 0badcafe is working on this target"), "\(refused.log)")
            renewing.cancel()
            _ = await renewing.result
            let run = try await drill.run(on: cluster)
            #expect(run.code == 0, "\(run.log)")
            #expect(run.log.contains("no longer renewed it"), "\(run.log)")
        }
    }

    private static func annotate(_ node: String, _ mark: JSONValue, _ cluster: TestCluster) async throws {
        let text = String(decoding: try mark.data(), as: UTF8.self)
        try await cluster.client.patch(Node.self, node, .merge(["metadata": ["annotations": ["aftershock/undo": .string(text)]]]))
    }

    /// The same cluster under another name.
    private static func inAnotherContext(_ cluster: TestCluster) throws -> [String] {
        let path = cluster.folder + "/elsewhere"
        let text = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8)
        try text.replacing(TestCluster.context, with: "elsewhere").write(toFile: path, atomically: true, encoding: .utf8)
        return ["--kubeconfig", path]
    }
}
