import Foundation
import JSON
import Journal
import Kubernetes
import Testing

@testable import Fault

/// Journals and marks outlive the version that wrote them: these are as the first one wrote them.
@Suite struct UndoActionTests {
    private struct Old {
        var kind: String
        var summary: String
        var object: String
        var parameters: JSONValue
    }

    private static let old = [
        Old(kind: "uncordonNode", summary: "uncordon node a", object: "node/a", parameters: ["node": "a"]),
        Old(
            kind: "removeTaint", summary: "remove taint k:NoExecute from node a", object: "node/a",
            parameters: ["node": "a", "key": "k", "effect": "NoExecute"]),
        Old(
            kind: "deletePod", summary: "delete helper pod sql/h", object: "pod/sql/h", parameters: ["namespace": "sql", "pod": "h"]),
        Old(
            kind: "continueProcess", summary: "continue process 9 in pod sql/p", object: "pod/sql/p",
            parameters: [
                "namespace": "sql", "pod": "p", "uid": "u", "container": "c", "process": "sqlservr", "pid": 9, "startTime": "1234",
            ]),
        Old(
            kind: "runCommand", summary: "run: power on a", object: "node/a",
            parameters: ["arguments": ["power", "on", "a"], "timeout": "1m", "node": "a", "readyWithin": "5m"]),
        Old(
            kind: "runCommand", summary: "run: undo", object: "lease/sql/aftershock-x",
            parameters: ["arguments": ["undo"], "timeout": "1m30s", "namespace": "sql", "lease": "aftershock-x"]),
        Old(
            kind: "calmMemory", summary: "end what takes memory in container c of pod sql/p", object: "pod/sql/p",
            parameters: [
                "namespace": "sql", "pod": "p", "uid": "u", "container": "c", "containerID": "containerd://1",
                "victims": [["pid": 9, "startTime": "1234", "value": 976]], "mark": "memory-1",
            ]),
        Old(
            kind: "removeFill", summary: "remove the file that fills the claim sql/data", object: "lease/sql/l",
            parameters: ["namespace": "sql", "lease": "l", "container": "c", "claim": "data", "runID": "1"]),
        Old(
            kind: "restoreImage", summary: "roll container c of sql/deployment/a back to image a:1", object: "lease/sql/l",
            parameters: [
                "namespace": "sql", "workload": "deployment/a", "container": "c", "before": "a:1", "image": "a:2", "lease": "l",
                "readyWithin": "5m",
            ]),
        Old(
            kind: "removeOutOfService", summary: "remove taint node.kubernetes.io/out-of-service from node a", object: "node/a",
            parameters: ["node": "a"]),
        Old(
            kind: "restoreNode", summary: "make the Node object a again where it is missing", object: "lease/sql/l",
            parameters: [
                "node": "a", "labels": ["x": "y"], "annotations": [:], "spec": ["podCIDR": "10.0.0.0/24"],
                "status": ["capacity": ["cpu": "2"]], "namespace": "sql", "lease": "l",
            ]),
        Old(
            kind: "healNetwork", summary: "restore the network of pod sql/p, and delete helper pod h", object: "pod/help/h",
            parameters: [
                "network": [
                    "helper": ["namespace": "help", "name": "h", "node": "n", "image": "busybox", "runID": "1"], "namespace": "sql",
                    "pod": "p", "uid": "u", "arguments": ["cut", "u", "1", "10.0.0.1", "90", "0", "0"],
                ]
            ]),
    ]

    /// A journal is a file that others may write.
    @Test func damagedParametersAreNamedInOurWords() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("nobody-\(UUID().uuidString)")
        let config = """
            current-context: c
            contexts: [{name: c, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "http://127.0.0.1:9"}}]
            users: [{name: u, user: {token: t}}]
            """
        try config.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        // Of a cluster that is never asked.
        let client = try KubernetesClient(.load(KubeconfigOverrides(kubeconfig: file.path)))
        let undo = Undo(client: client, actions: FaultCatalog.standard.undoActions)
        for old in Self.old {
            let intent = UndoIntent(id: 1, kind: old.kind, summary: old.summary, parameters: ["nothing": 1])
            let result = await undo.perform(intent)
            #expect(!result.proven)
            #expect(result.evidence.contains("are damaged: top level: the member '"), "\(result.evidence)")
        }
    }

    @Test func whatAnOlderVersionWroteIsUnderstood() throws {
        for old in Self.old {
            let kind = try #require(FaultCatalog.standard.undoActions.first { $0.kind == old.kind })
            let action = try old.parameters.decode(kind)
            #expect(action.summary == old.summary)
            #expect(action.object.description == old.object)
            #expect(try JSONValue(encoding: action) == old.parameters)
        }
    }

    @Test func everyKindIsAmongThem() {
        #expect(Set(FaultCatalog.standard.undoActions.map { $0.kind }) == Set(Self.old.map(\.kind)))
    }

    /// A mark's command, image and node could be anybody's; the others undo nothing but their own change.
    @Test func aCommandAndAnImageNeedConsent() throws {
        for old in Self.old {
            let kind = try #require(FaultCatalog.standard.undoActions.first { $0.kind == old.kind })
            #expect(try (old.parameters.decode(kind).consent != nil) == ["runCommand", "restoreImage", "restoreNode"].contains(old.kind))
        }
    }
}
