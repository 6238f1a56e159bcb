import KubernetesAPI
import Testing

struct LabelRequirementTests {
    @Test(arguments: [
        ("In", ["a", "b"], [["k": "a"], ["k": "b"]], [["k": "c"], [:]]),
        ("NotIn", ["a"], [["k": "b"], [:]], [["k": "a"]]),
        ("Exists", [], [["k": ""]], [["other": "a"], [:]]),
        ("DoesNotExist", [], [["other": "a"], [:]], [["k": ""]]),
    ])
    func operators(_ name: String, _ values: [String], _ met: [[String: String]], _ unmet: [[String: String]]) throws {
        let requirement = try #require(LabelRequirement(key: "k", operator: name, values: values))
        for labels in met { #expect(requirement.matches(labels), "\(labels)") }
        for labels in unmet { #expect(!requirement.matches(labels), "\(labels)") }
    }

    @Test func anUnknownOperatorIsNoRequirement() { #expect(LabelRequirement(key: "k", operator: "Gt", values: ["1"]) == nil) }

    @Test func textForms() {
        #expect(LabelRequirement.isIn("k", ["a"]).description == "k=a")
        #expect(LabelRequirement.isIn("k", ["b", "a"]).description == "k in (a,b)")
        #expect(LabelRequirement.notIn("k", ["a"]).description == "k notin (a)")
        #expect(LabelRequirement.exists("k").description == "k")
        #expect(LabelRequirement.absent("k").description == "!k")
    }
}
