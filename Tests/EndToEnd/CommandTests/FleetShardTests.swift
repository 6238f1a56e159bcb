import Foundation
import Programs
import Testing

/// Shards that do not start: the line is stopped, the hours are quiet. No cluster is asked.
@Suite(.timeLimit(.minutes(1))) final class FleetShardTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shards-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private var reports: String { folder.appendingPathComponent("reports").path }

    /// The file of a fleet of three, the first of which is a canary. Their kubeconfigs are not there.
    private func fleet(_ more: String = "") throws -> String {
        try FleetFile.write(
            in: folder,
            """
            clusters: [{name: one, labels: {canary: "yes"}, kubeconfig: {file: absent}}, {name: two, kubeconfig: {file: absent}},
                {name: three, kubeconfig: {file: absent}}]
            """,
            "waves: [{name: canary, clusters: {canary: \"yes\"}, stopAfter: 1}, {name: rest}]", "stopAfter: 2", more)
    }

    private func shard(_ cluster: String, _ fleet: String, _ more: [String] = []) async throws -> Program.Outcome {
        try await Program.run("aftershock", ["fleet", "shard", fleet, "--cluster", cluster, "--reports", reports] + more)
    }

    private func gate(_ fleet: String, _ more: [String]) async throws -> Program.Outcome {
        try await Program.run("aftershock", ["fleet", "gate", fleet, "--reports", reports] + more)
    }

    private func mark(_ cluster: String, _ mark: String) throws {
        let own = folder.appendingPathComponent("reports/_\(mark)")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try Data("1\n".utf8).write(to: own.appendingPathComponent(cluster))
    }

    private var isUntouched: Bool { !FileManager.default.fileExists(atPath: "\(reports)/two") }

    @Test func noShardStartsWhenTheLineIsStopped() async throws {
        let fleet = try fleet()
        try mark("one", "failed")
        let refused = try await shard("two", fleet)
        #expect(refused.exitCode == 5 && isUntouched)
        #expect(refused.errors.contains("two is not started: the line is stopped: 1 cluster has failed (one)"), "\(refused.errors)")
        // The failed one itself may be tried again: what was in its way may be mended.
        let own = try await shard("one", fleet)
        #expect(!own.errors.contains("the line is stopped") && own.errors.contains("absent"), "\(own.errors)")
    }

    @Test func theGateWantsAResultOfEveryClusterThatIsDue() async throws {
        let fleet = try fleet()
        let early = try await gate(fleet, ["--through", "one"])
        #expect(
            early.exitCode == 1 && early.output.contains("1 cluster has no result (one)"), "a canary that never ran lets nobody through")
        try mark("one", "passed")
        let canary = try await gate(fleet, ["--through", "one"])
        #expect(canary.exitCode == 0 && canary.output.contains("the line goes on: no cluster has failed"), "\(canary.output)")
        let whole = try await gate(fleet, [])
        #expect(whole.exitCode == 1 && whole.output.contains("2 clusters have no result (three, two)"), "\(whole.output)")
        try mark("three", "passed")
        try mark("two", "failed")
        let one = try await gate(fleet, [])
        #expect(one.exitCode == 0 && one.output.contains("1 cluster has failed (two), and the fleet stops at 2"), "\(one.output)")
        let wrong = try await gate(fleet, ["--through", "tow"])
        #expect(wrong.exitCode == 64 && wrong.errors.contains("did you mean 'two'?"), "\(wrong.errors)")
    }

    /// From an hour ago, or in two hours, for an hour each; whatever the time of day is.
    private func quietHours(in hours: Double) -> String {
        func time(_ hours: Double) -> String {
            Date(timeIntervalSinceNow: hours * 3600).formatted(
                .verbatim(
                    "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits)", timeZone: .gmt,
                    calendar: Calendar(identifier: .gregorian)))
        }
        return "quietHours: [{from: \"\(time(hours))\", to: \"\(time(hours + 2))\"}]"
    }

    @Test func noShardStartsInQuietHours() async throws {
        let refused = try await shard("two", try fleet(quietHours(in: -1)))
        #expect(refused.exitCode == 5 && isUntouched)
        #expect(refused.errors.contains("these are quiet hours until "), "\(refused.errors)")
        let loud = try await shard("two", try fleet(quietHours(in: 3)))
        #expect(!loud.errors.contains("quiet hours") && loud.errors.contains("absent"), "\(loud.errors)")
    }

    /// A Job that is deleted: its pod's first process sees only the signals that it handles.
    @Test func aShardThatWaitsCanBeStopped() async throws {
        let fleet = try fleet(quietHours(in: -1))
        let script =
            "mkfifo \"$1\" && fifo=$1 && shift; \"$@\" 2>\"$fifo\" & exec 3<\"$fifo\"; read -r first <&3; kill -TERM $!; cat <&3; wait $!"
        let stopped = try await Program.run(
            "aftershock", ["fleet", "shard", fleet, "--cluster", "two", "--reports", reports, "--wait"],
            launcher: ["bash", "-c", script, "bash", folder.appendingPathComponent("fifo").path])
        #expect(stopped.exitCode == 143 && isUntouched, "it ends by its own exit code, not by the signal")
        #expect(stopped.output == "two: SIGTERM: no run is started\n")
    }
}
