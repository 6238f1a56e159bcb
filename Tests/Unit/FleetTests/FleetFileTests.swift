import Checkout
import Experiment
import Foundation
import JSON
import Testing

@testable import Fleet

/// A fleet file with these lines for its `spec`.
func fleetText(
    clusters: String =
        "[{name: a, labels: {canary: \"yes\"}, kubeconfig: {secret: {name: a}}}, {name: b, kubeconfig: {secret: {name: b}}}]",
    experiments: String = "[{files: [x.yaml]}]", waves: String = "[{name: canary, clusters: {canary: \"yes\"}}, {name: rest}]",
    more: String = ""
) -> String {
    """
    apiVersion: aftershock/v1
    kind: Fleet
    metadata: {name: edge}
    spec:
      clusters: \(clusters)
      experiments: \(experiments)
      waves: \(waves)
    \(more.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
    """
}

@Suite struct FleetFileTests {
    @Test func aClusterIsInTheFirstWaveThatHasItsLabels() throws {
        let fleet = try FleetFile.parse(
            fleetText(
                waves: "[{name: canary, clusters: {canary: \"yes\"}, parallel: 2}, {name: rest, stopAfter: 7}]",
                more: "parallel: 5\nstopAfter: 3"),
            file: "f")
        #expect(fleet.waves.map { $0.clusters.map(\.name) } == [["a"], ["b"]])
        #expect(fleet.waves.map(\.parallel) == [2, 5])
        #expect(fleet.waves.map(\.stopAfter) == [3, 7])
    }

    @Test func theDefaultsStopAtTheFirstFailure() throws {
        let fleet = try FleetFile.parse(fleetText(), file: "f")
        #expect(fleet.stopAfter == 1 && fleet.waves.allSatisfy { $0.stopAfter == 1 } && fleet.restarts == 3)
    }

    @Test func aClusterHasTheExperimentsOfEveryEntryWithItsLabels() throws {
        let fleet = try FleetFile.parse(
            fleetText(experiments: "[{files: [x.yaml]}, {files: [y.yaml, x.yaml], clusters: {canary: \"yes\"}}]"), file: "f")
        #expect(fleet.clusters.map(fleet.files) == [["x.yaml", "y.yaml"], ["x.yaml"]])
    }

    @Test(arguments: [
        (fleetText(waves: "[{name: canary, clusters: {canary: \"yes\"}}]"), "f:5:", "the cluster 'b' is in no wave"),
        (fleetText(waves: "[{name: canary, clusters: {canary: \"yse\"}}, {name: rest}]"), "f:7:", "did you mean {canary: yes}?"),
        (fleetText(waves: "[{name: one}, {name: two}]"), "f:7:", "the wave 'two' has no cluster"),
        (fleetText(waves: "[{name: one, clusters: {canary: \"yes\"}}, {name: one}]"), "f:7:", "the wave 'one' is here more than once"),
        (fleetText(experiments: "[{files: [x.yaml], clusters: {canary: \"yes\"}}]"), "f:5:", "the cluster 'b' has no experiment"),
        (fleetText(experiments: "[{files: [x.yaml]}, {files: [y.yaml], clusters: {region: eu}}]"), "f:6:", "no cluster has the labels"),
        (
            fleetText(clusters: "[{name: a, kubeconfig: {secret: {name: a}, env: B}}]", waves: "[{name: w}]"), "f:5:",
            "exactly one of secret, env, file"
        ),
        (
            fleetText(clusters: "[]", waves: "[{name: w}]"), "f:5:",
            "spec.clusters is a list of objects with name, labels, kubeconfig, context"
        ),
        (fleetText(clusters: "[{name: a, kubeconfig: {env: A}, contxt: x}]", waves: "[{name: w}]"), "f:5:", "did you mean 'context'?"),
        (fleetText(more: "quietHours: [{from: \"8:00\", to: \"09:00\"}]"), "f:8:", "a time of day such as \"08:30\""),
        (fleetText(more: "quietHours: [{from: \"08:00\", to: \"09:00\", days: [mon, wedd]}]"), "f:8:", "did you mean 'wed'?"),
        (fleetText(more: "quietHours: [{from: \"08:00\", to: \"08:00\"}]"), "f:8:", "no shard could ever start"),
        (fleetText(more: "quietHours: [{from: \"08:00\", to: \"09:00\", timeZone: Mars/Base}]"), "f:8:", "'Mars/Base' is not a time zone"),
        (fleetText() + "\n---\n" + fleetText(), "f:10:", "a fleet is one document"),
    ])
    func whatIsWrongIsSaidWithItsPlace(text: String, place: String, message: String) throws {
        let error = try #require(throws: ExperimentFileError.self) { try FleetFile.parse(text, file: "f") }
        #expect(error.description.contains(message) && error.diagnostics.contains { "\($0)".hasPrefix(place) }, "\(error)")
    }

    @Test func theSchemaForEditorsIsTheOneThatValidates() throws {
        let stored = try Data(contentsOf: Checkout.root.appendingPathComponent("experiments/fleet/fleet.schema.json"))
        #expect(
            try JSONValue(parsing: stored) == FleetFile.jsonSchema, "run: aftershock schema fleet > experiments/fleet/fleet.schema.json")
    }
}

@Suite struct QuietHoursTests {
    /// 2026-03-25 is a Wednesday; Berlin is at UTC+1 then, and at UTC+2 from the 29th on.
    private func fleet(_ hours: String) throws -> Fleet { try FleetFile.parse(fleetText(more: "quietHours: \(hours)"), file: "f") }

    private func time(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    @Test(arguments: [
        ("[{from: \"08:00\", to: \"18:00\"}]", "2026-03-25T07:00:00Z", 60.0, "2026-03-25T07:00:00Z"),
        ("[{from: \"08:00\", to: \"18:00\"}]", "2026-03-25T09:00:00Z", 60, "2026-03-25T18:00:00Z"),
        // It would last into them.
        ("[{from: \"08:00\", to: \"18:00\"}]", "2026-03-25T07:30:00Z", 3600, "2026-03-25T18:00:00Z"),
        ("[{from: \"22:00\", to: \"06:00\"}]", "2026-03-25T03:00:00Z", 60, "2026-03-25T06:00:00Z"),
        // Those of Tuesday night last into Wednesday, and Wednesday has none.
        ("[{from: \"22:00\", to: \"06:00\", days: [tue]}]", "2026-03-25T03:00:00Z", 60, "2026-03-25T06:00:00Z"),
        ("[{from: \"22:00\", to: \"06:00\", days: [thu]}]", "2026-03-25T23:00:00Z", 60, "2026-03-25T23:00:00Z"),
        ("[{from: \"08:00\", to: \"18:00\", timeZone: Europe/Berlin}]", "2026-03-25T16:30:00Z", 60, "2026-03-25T17:00:00Z"),
        ("[{from: \"08:00\", to: \"18:00\", timeZone: Europe/Berlin}]", "2026-03-30T07:00:00Z", 60, "2026-03-30T16:00:00Z"),
        // One after the other.
        ("[{from: \"08:00\", to: \"12:00\"}, {from: \"11:00\", to: \"18:00\"}]", "2026-03-25T09:00:00Z", 60, "2026-03-25T18:00:00Z"),
        ("[{from: \"00:00\", to: \"00:00\", days: [wed]}]", "2026-03-25T09:00:00Z", 60, "2026-03-26T00:00:00Z"),
    ])
    func aShardStartsWhenItTouchesNone(hours: String, now: String, seconds: Double, start: String) throws {
        #expect(try fleet(hours).firstStart(at: time(now), lasting: seconds) == time(start))
    }

    @Test func aRunThatIsTooLongNeverStarts() throws {
        let fleet = try fleet("[{from: \"08:00\", to: \"18:00\"}]")
        #expect(try fleet.firstStart(at: time("2026-03-25T07:00:00Z"), lasting: 15 * 3600) == nil)
        #expect(try fleet.firstStart(at: time("2026-03-25T19:00:00Z"), lasting: 13 * 3600) == time("2026-03-25T19:00:00Z"))
    }
}

@Suite struct FleetRenderingTests {
    private func many(_ count: Int, _ kubeconfig: String = "secret: {name: k}") -> String {
        "[" + (0..<count).map { "{name: c\($0), kubeconfig: {\(kubeconfig)}}" }.joined(separator: ", ") + "]"
    }

    private func render(_ text: String, _ engine: FleetRendering.Engine) throws -> [JSONValue] {
        try FleetRendering(try FleetFile.parse(text, file: "f"), path: "it's.yaml", files: [.init(path: "x.yaml", text: "x: 1\n")])
            .documents(for: engine)
    }

    @Test func anIndexedJobHasOneIndexForEachCluster() throws {
        let documents = try render(fleetText(clusters: many(7), waves: "[{name: w, stopAfter: 3}]", more: "parallel: 5\nrestarts: 2"), .job)
        let job = try #require(documents.last)
        #expect(job["spec"]?["completions"]?.integer == 7 && job["spec"]?["parallelism"]?.integer == 5)
        #expect(job["spec"]?["backoffLimitPerIndex"]?.integer == 2 && job["spec"]?["maxFailedIndexes"]?.integer == 2)
        #expect(job["spec"]?["suspend"]?.bool == false)
    }

    /// Every exit code that a run can have has exactly one rule; none is repeated until it passes.
    @Test func everyExitCodeHasOneRule() {
        let all = ShardExit.stopping + ShardExit.final + ShardExit.repeated
        #expect(Set(all) == [1, 3, 4, 5, 6, 64, 70, 129, 130, 137, 143] && all.count == 11)
    }

    /// The shards of a wave read a fleet file that is valid, with the clusters in the order of their indices.
    @Test func theFleetFileOfAWaveIsOne() throws {
        let documents = try render(
            fleetText(experiments: "[{files: [x.yaml]}]", more: "quietHours: [{from: \"08:00\", to: \"09:00\"}]"), .job)
        let maps = documents.filter { $0["kind"]?.string == "ConfigMap" }
        let fleets = try maps.map { try FleetFile.parse($0["data"]?["fleet.yaml"]?.string ?? "", file: "f") }
        #expect(fleets.map { $0.clusters.map(\.name) } == [["a"], ["b"]])
        #expect(fleets.allSatisfy { $0.quietHours.count == 1 && $0.experiments.map(\.files) == [["0-x.yaml"]] })
        #expect(maps.allSatisfy { $0["data"]?["0-x.yaml"]?.string == "x: 1\n" })
        #expect(documents.filter { $0["kind"]?.string == "Job" }.map { $0["spec"]?["suspend"]?.bool } == [false, true])
    }

    @Test func aWaveThatIsTooLargeIsSeveral() throws {
        let text = fleetText(clusters: many(600, "env: K"), waves: "[{name: w}]", more: "parallel: 40")
        let jobs = try #require(try render(text, .github).first?["jobs"]?.object)
        #expect(jobs.keys.sorted() == ["merge", "w-1", "w-1-gate", "w-2", "w-2-gate", "w-3", "w-3-gate"])
        let counts = ["w-1", "w-2", "w-3"].map { jobs[$0]?["strategy"]?["matrix"]?["include"]?.array?.count }
        #expect(counts == [256, 256, 88])
        #expect(jobs["w-2"]?["needs"] == ["w-1-gate"])
        // GitLab cannot limit the jobs at once otherwise.
        #expect(try render(text, .gitlab).first?["stages"]?.array?.count == 15 * 2 + 1)
    }

    @Test func aPathIsOneWordOfTheShell() throws {
        let text = fleetText(clusters: many(1, "env: K"), waves: "[{name: w}]")
        let script = try render(text, .gitlab).first?["w:gate"]?["script"]?[0]?.string
        #expect(script == "aftershock fleet gate 'it'\\''s.yaml' --reports reports/fleet --through c0")
    }

    /// A wave of 300 is two on GitHub, and the first of them has the name of another wave.
    @Test(arguments: [("merge", 2), ("w-1", 300), ("w-gate", 2)])
    func namesOfWavesThatCollideAreRefused(other: String, count: Int) throws {
        let last = "{name: last, labels: {last: \"yes\"}, kubeconfig: {env: K}}"
        let text = fleetText(
            clusters: many(count, "env: K").dropLast() + ", \(last)]", waves: "[{name: \(other), clusters: {last: \"yes\"}}, {name: w}]")
        let error = try #require(throws: FleetRenderingError.self) { try render(text, .github) }
        #expect(error.description.contains("rename the wave"))
    }

    @Test(arguments: [(FleetRendering.Engine.job, "env: K"), (.argo, "file: k"), (.github, "secret: {name: k}"), (.gitlab, "file: k")])
    func aKubeconfigOutOfReachIsRefused(engine: FleetRendering.Engine, kubeconfig: String) throws {
        let error = try #require(throws: FleetRenderingError.self) {
            try render(fleetText(clusters: many(5, kubeconfig), waves: "[{name: w}]"), engine)
        }
        #expect(error.description.contains("c0, c1, c2 and 2 more"))
    }
}
