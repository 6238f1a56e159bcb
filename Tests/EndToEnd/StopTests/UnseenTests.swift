import Foundation
import Glibc
import JSON
import Kubernetes
import Proxies
import Synchronization
import Testing

/// The harness does not see the cluster, or is itself not there for a while: that is never held against the service.
@Suite(.timeLimit(.minutes(5))) struct UnseenTests {
    /// In kB, as the kernel counts it.
    private static let mostMemory = 150 * 1024

    /// The probes see the service all the time; the watches show nothing of what becomes of the pod.
    @Test func aWatchThatShowsNothingIsNoFailure() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for behavior in HostileProxy.Behavior.allCases { group.addTask { try await Self.watch(behavior) } }
            try await group.waitForAll()
        }
    }

    private static func watch(_ behavior: HostileProxy.Behavior) async throws {
        try await TestCluster.with { cluster in
            let port = try #require(URL(string: cluster.server)?.port)
            try await HostileProxy.run(to: port, token: try cluster.token(), behavior) { proxy in
                let memory = Mutex(0)
                let behind = try cluster.behind(proxy.server)
                let run = try await Drill(name: "unseen", fault: "podDelete: {}", giveUpAfter: "40s").run(
                    on: behind, at: Step("stage settling")
                ) { process, _ in
                    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
                    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
                    let size = try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
                    memory.withLock { $0 = size }
                }
                #expect(run.wasStruck, "\(run.log)")
                #expect(run.code == 0 || run.code == 4, "\(behavior): \(run.log)")
                let used = memory.withLock { $0 }
                #expect(used > 0 && used < mostMemory, "\(behavior): \(used) kB")
            }
        }
    }

    /// A suspended laptop, a stolen processor.
    @Test func aHarnessThatStoodStillSawNoOutage() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seconds in [5, 40] { group.addTask { try await Self.stop(seconds) } }
            try await group.waitForAll()
        }
    }

    private static func stop(_ seconds: Int) async throws {
        try await TestCluster.with { cluster in
            let run = try await Drill(name: "stopped", fault: "none: {duration: 4s}", giveUpAfter: "60s").run(
                on: cluster, at: Step("faultBegun")
            ) { process, _ in
                kill(process, SIGSTOP)
                // Nothing tells how long a process has been stopped but the time itself.
                try await Task.sleep(for: .seconds(seconds))
                kill(process, SIGCONT)
            }
            #expect(run.code == 0 || run.code == 4, "\(run.log)")
            let downtime = try JSONValue(parsing: run.file("results.json"))["experiments"]?[0]?["repeats"]?[0]?["downtime"]
            for track in ["connect", "login", "session", "write"] {
                #expect(downtime?[track]?["count"]?.integer == 0, "\(track): \(run.log)")
            }
        }
    }
}

extension TestCluster {
    /// The address of the API server.
    fileprivate var server: String { client.configuration.server.description }

    /// The same cluster at another address, which needs no credentials.
    fileprivate func behind(_ server: String) throws -> TestCluster {
        let path = folder + "/behind"
        let text = """
            {apiVersion: v1, kind: Config, current-context: \(Self.context), clusters: [{name: c, cluster: {server: '\(server)'}}],
            contexts: [{name: \(Self.context), context: {cluster: c, user: ''}}]}
            """
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return TestCluster(kubeconfig: path, folder: folder, client: client)
    }
}
