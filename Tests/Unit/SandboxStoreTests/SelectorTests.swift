import JSON
import Testing

@testable import SandboxStore

@Suite struct SelectorTests {
    @Test(
        arguments: [
            ("app=web", true), ("app==web", true), ("app!=web", false), ("app in (db, web)", true), ("app notin (db,web)", false),
            ("app", true), ("!app", false), ("!other", true), ("other!=x", true), ("other notin (x)", true), ("other=x", false),
            ("app=web,tier in (a)", true), ("app=web,tier=b", false), ("", true), ("example.com/role=main", true),
        ])
    func aLabelSelectorMatches(text: String, isMatch: Bool) throws {
        let labels = ["app": "web", "tier": "a", "example.com/role": "main"]
        #expect(try LabelSelector(parsing: text).matches(labels) == isMatch)
    }

    @Test(arguments: ["app in web", "app within (a)", "a b=c", "=x", "a===b", "a=b c", "a!=ü", "a in (b=c)"])
    func aBrokenLabelSelectorIsRefused(text: String) {
        let error = #expect(throws: APIError.self) { try LabelSelector(parsing: text) }
        #expect(error?.code == 400)
        #expect(error?.message.contains(text) == true)
    }

    @Test func anObjectSelectorHasBothForms() throws {
        let selector = try LabelSelector(object: [
            "matchLabels": ["app": "web"], "matchExpressions": [["key": "tier", "operator": "In", "values": ["a", "b"]]],
        ])
        #expect(selector.matches(["app": "web", "tier": "b"]))
        #expect(!selector.matches(["app": "web"]))
        #expect(selector.description == "app=web,tier in (a,b)")
    }

    @Test func fieldsThatAResourceDoesNotSelectByAreRefused() {
        let error = #expect(throws: APIError.self) { try FieldSelector(parsing: "spec.image=x", for: .pods) }
        #expect(error?.message == "field label not supported: spec.image")
    }

    @Test func aNodeIsSchedulableUnlessItSaysOtherwise() throws {
        let selector = try FieldSelector(parsing: "spec.unschedulable=false", for: .nodes)
        #expect(selector.matches(["spec": [:]]))
        #expect(!selector.matches(["spec": ["unschedulable": true]]))
    }

    @Test func severalFieldsMustAllMatch() throws {
        let selector = try FieldSelector(parsing: "spec.nodeName=n1,status.phase!=Failed", for: .pods)
        #expect(selector.matches(["spec": ["nodeName": "n1"], "status": ["phase": "Running"]]))
        #expect(!selector.matches(["spec": ["nodeName": "n1"], "status": ["phase": "Failed"]]))
    }
}
