import Testing

@testable import Fleet

@Suite struct FleetLineTests {
    private func fleet(_ stopAfter: Int, canary: Int, rest: Int) throws -> Fleet {
        let names = ["a", "b", "c", "d", "e"]
        let clusters = names.map { "{name: \($0), labels: {canary: \"\($0 < "c")\"}, kubeconfig: {env: K}}" }
        return try FleetFile.parse(
            fleetText(
                clusters: "[\(clusters.joined(separator: ", "))]",
                waves: "[{name: canary, clusters: {canary: \"true\"}, stopAfter: \(canary)}, {name: rest, stopAfter: \(rest)}]",
                more: "stopAfter: \(stopAfter)"),
            file: "f")
    }

    @Test(
        arguments: [
            (3, 2, 2, [], [], nil),
            (3, 2, 2, ["a", "c"], [], nil),
            (3, 2, 2, ["a", "c", "d"], [], "3 clusters have failed (a, c, d), and the fleet stops at 3"),
            (9, 2, 2, ["a", "b"], [], "2 clusters have failed (a, b), and the wave 'canary' stops at 2"),
            (9, 3, 2, ["a", "d", "e"], [], "2 clusters have failed (d, e), and the wave 'rest' stops at 2"),
            // Another wave's, of which this file may know nothing.
            (2, 2, 2, ["elsewhere"], [], nil),
            (1, 2, 2, ["elsewhere"], [], "1 cluster has failed (elsewhere), and the fleet stops at 1"),
            // One that has no result is no better than one that has failed.
            (1, 1, 1, [], ["a"], "1 cluster has no result (a), and the fleet stops at 1"),
            (3, 2, 2, ["a"], ["b"], "1 cluster has failed (a), 1 cluster has no result (b), and the wave 'canary' stops at 2"),
            (4, 3, 3, [], ["b", "c", "d", "e"], "4 clusters have no result (b, c, d, ...), and the fleet stops at 4"),
            // Counted once.
            (2, 2, 2, ["a"], ["a"], nil),
        ] as [(Int, Int, Int, Set<String>, Set<String>, String?)])
    func theLineStopsAtTheNumberOfTheFleetOrOfAWave(
        stopAfter: Int, canary: Int, rest: Int, failed: Set<String>, missing: Set<String>, stopped: String?
    ) throws {
        let line = try fleet(stopAfter, canary: canary, rest: rest).line(failed: failed, missing: missing)
        #expect(line.isStopped == (stopped != nil), "\(line)")
        if let stopped { #expect(line.description == "the line is stopped: \(stopped)") }
    }

    @Test func theClustersThatAreDueAreThoseOfEarlierWavesToo() throws {
        let fleet = try fleet(1, canary: 1, rest: 1)
        #expect(fleet.clusters(through: "d")?.map(\.name) == ["a", "b", "c", "d"])
        #expect(fleet.clusters(through: "a")?.map(\.name) == ["a"])
        #expect(fleet.clusters(through: "x") == nil)
    }
}
