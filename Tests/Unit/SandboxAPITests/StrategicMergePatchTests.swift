import Foundation
import JSON
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct StrategicMergePatchTests {
    private func patched(_ pod: JSONValue, _ patch: JSONValue) throws -> JSONValue {
        try StrategicMergePatch.apply(patch, to: pod, .pod)
    }

    private let pod: JSONValue = [
        "metadata": ["name": "a", "labels": ["x": "1", "y": "2"], "finalizers": ["one"]],
        "spec": [
            "containers": [
                [
                    "name": "main", "image": "i:1", "args": ["a", "b"],
                    "env": [["name": "A", "value": "1"], ["name": "B", "value": "2"]],
                ],
                ["name": "side", "image": "s:1"],
            ],
            "tolerations": [["key": "k1"], ["key": "k2"]], "volumes": [["name": "data", "emptyDir": [:]]],
        ],
    ]

    @Test func listsAreMergedByTheirKey() throws {
        let result = try patched(
            pod,
            [
                "spec": [
                    "containers": [["name": "main", "image": "i:2", "env": [["name": "B", "value": "3"], ["name": "C", "value": "4"]]]]
                ]
            ])
        #expect(result[path: "spec", "containers"]?.array?.count == 2)
        let main = result[path: "spec", "containers"]?[0]
        #expect(main?["image"] == "i:2")
        #expect(main?["args"] == ["a", "b"])
        #expect(
            main?["env"] == [["name": "A", "value": "1"], ["name": "B", "value": "3"], ["name": "C", "value": "4"]])
    }

    @Test func atomicListsAreReplaced() throws {
        let result = try patched(pod, ["spec": ["tolerations": [["key": "k3"]]]])
        #expect(result[path: "spec", "tolerations"] == [["key": "k3"]])
    }

    @Test func aNullRemovesAMember() throws {
        let result = try patched(pod, ["metadata": ["labels": ["x": nil]]])
        #expect(result[path: "metadata", "labels"] == ["y": "2"])
    }

    @Test func anElementCanBeDeleted() throws {
        let result = try patched(pod, ["spec": ["containers": [["name": "side", "$patch": "delete"]]]])
        #expect(result[path: "spec", "containers"]?.array?.compactMap { $0["name"]?.string } == ["main"])
    }

    @Test func aMapOrListCanBeReplaced() throws {
        let map = try patched(pod, ["metadata": ["labels": ["$patch": "replace", "z": "3"]]])
        #expect(map[path: "metadata", "labels"] == ["z": "3"])
        let list = try patched(pod, ["spec": ["containers": [["name": "only", "image": "o"], ["$patch": "replace"]]]])
        #expect(list[path: "spec", "containers"] == [["name": "only", "image": "o"]])
    }

    @Test func keysThatAreNotRetainedGo() throws {
        let result = try patched(
            pod, ["spec": ["volumes": [["name": "data", "$retainKeys": ["name", "hostPath"], "hostPath": ["path": "/x"]]]]])
        #expect(result[path: "spec", "volumes"] == [["name": "data", "hostPath": ["path": "/x"]]])
    }

    @Test func plainValuesAreAddedAndDeleted() throws {
        let added = try patched(pod, ["metadata": ["finalizers": ["two"]]])
        #expect(added[path: "metadata", "finalizers"] == ["one", "two"])
        let deleted = try patched(added, ["metadata": ["$deleteFromPrimitiveList/finalizers": ["one"]]])
        #expect(deleted[path: "metadata", "finalizers"] == ["two"])
    }

    @Test func anOrderIsKept() throws {
        let result = try patched(
            pod,
            [
                "spec": [
                    "$setElementOrder/containers": [["name": "new"], ["name": "main"]],
                    "containers": [["name": "new", "image": "n"]],
                ]
            ])
        #expect(result[path: "spec", "containers"]?.array?.compactMap { $0["name"]?.string } == ["new", "main", "side"])
    }

    @Test func anElementWithoutItsKeyIsRefused() {
        let error = #expect(throws: APIError.self) { try patched(pod, ["spec": ["containers": [["image": "x"]]]]) }
        #expect(error?.message.contains("merge key: name") == true)
    }
}

@Suite struct JSONPatchTests {
    private let document: JSONValue = ["a": ["b": [1, 2, 3], "c/d": "x"], "e": "y"]

    @Test(
        arguments: [
            (#"[{"op":"add","path":"/a/b/1","value":9}]"#, #"{"a":{"b":[1,9,2,3],"c/d":"x"},"e":"y"}"#),
            (#"[{"op":"add","path":"/a/b/-","value":9}]"#, #"{"a":{"b":[1,2,3,9],"c/d":"x"},"e":"y"}"#),
            (#"[{"op":"add","path":"/n","value":null}]"#, #"{"a":{"b":[1,2,3],"c/d":"x"},"e":"y","n":null}"#),
            (#"[{"op":"remove","path":"/a/b/0"}]"#, #"{"a":{"b":[2,3],"c/d":"x"},"e":"y"}"#),
            (#"[{"op":"remove","path":"/a/c~1d"}]"#, #"{"a":{"b":[1,2,3]},"e":"y"}"#),
            (#"[{"op":"replace","path":"/a/b/2","value":9}]"#, #"{"a":{"b":[1,2,9],"c/d":"x"},"e":"y"}"#),
            (#"[{"op":"move","from":"/e","path":"/f"}]"#, #"{"a":{"b":[1,2,3],"c/d":"x"},"f":"y"}"#),
            (#"[{"op":"copy","from":"/a/b/0","path":"/f"}]"#, #"{"a":{"b":[1,2,3],"c/d":"x"},"e":"y","f":1}"#),
            (
                #"[{"op":"test","path":"/e","value":"y"},{"op":"replace","path":"/e","value":"z"}]"#,
                #"{"a":{"b":[1,2,3],"c/d":"x"},"e":"z"}"#
            ),
        ])
    func anOperationChangesTheDocument(patch: String, result: String) throws {
        let expected = try JSONValue(parsing: Data(result.utf8))
        #expect(try JSONPatch.apply(JSONValue(parsing: Data(patch.utf8)), to: document) == expected)
    }

    @Test(
        arguments: [
            #"[{"op":"test","path":"/e","value":"other"}]"#, #"[{"op":"remove","path":"/nope"}]"#,
            #"[{"op":"replace","path":"/nope","value":1}]"#,
            #"[{"op":"add","path":"/a/b/7","value":1}]"#, #"[{"op":"add","path":"/e/x","value":1}]"#, #"[{"op":"explode","path":"/e"}]"#,
            #"[{"op":"add","path":"e","value":1}]"#, #"[{"op":"add","path":"/e"}]"#, #"{"op":"add"}"#,
        ])
    func aPatchThatDoesNotFitIsRefused(patch: String) {
        #expect(throws: APIError.self) { try JSONPatch.apply(JSONValue(parsing: Data(patch.utf8)), to: document) }
    }

    @Test func aMergePatchRemovesNulls() {
        #expect(
            MergePatch.apply(["a": ["b": nil, "n": 1], "e": ["new": nil]], to: document) == ["a": ["c/d": "x", "n": 1], "e": [:]])
    }
}
