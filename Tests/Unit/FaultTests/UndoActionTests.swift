import JSON
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
    ]

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

    @Test func onlyACommandNeedsConsent() throws {
        for old in Self.old {
            let kind = try #require(FaultCatalog.standard.undoActions.first { $0.kind == old.kind })
            #expect(try (old.parameters.decode(kind).consent != nil) == (old.kind == "runCommand"))
        }
    }
}
