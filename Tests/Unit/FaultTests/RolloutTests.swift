import JSON
import Kubernetes
import Testing

@testable import Fault

@Suite struct RolloutTests {
    /// An update begins with the partition's ordinal; the first pod may have another one than 0.
    @Test(
        arguments: [(nil, nil, 1, false), (0, nil, 1, false), (1, nil, 1, true), (1, nil, 2, false), (1, 1, 1, false), (2, 1, 1, true)]
            as [(Int?, Int?, Int, Bool)])
    func aPartitionAboveThePodsHoldsARolloutBack(_ partition: Int?, _ start: Int?, _ replicas: Int, _ isHeld: Bool) throws {
        var strategy: JSONValue = ["type": "RollingUpdate"]
        if let partition { strategy["rollingUpdate"] = ["partition": .integer(Int64(partition))] }
        var spec: JSONValue = [
            "replicas": .integer(Int64(replicas)), "selector": [:], "template": ["metadata": [:], "spec": ["containers": []]],
            "updateStrategy": strategy,
        ]
        if let start { spec["ordinals"] = ["start": .integer(Int64(start))] }
        let set: StatefulSet = try (["metadata": ["name": "sql"], "spec": spec] as JSONValue).decode()
        #expect(set.isBelowPartition == isHeld)
    }

    @Test func anOrdinalWithoutEndIsNoTrap() throws {
        let set: StatefulSet = try
            ([
                "metadata": ["name": "sql"],
                "spec": [
                    "replicas": .integer(.max), "ordinals": ["start": .integer(.max)], "selector": [:],
                    "template": ["metadata": [:], "spec": ["containers": []]],
                    "updateStrategy": ["rollingUpdate": ["partition": .integer(.max)]],
                ],
            ] as JSONValue).decode()
        #expect(!set.isBelowPartition)
    }
}
