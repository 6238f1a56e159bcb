import Foundation
import JSON
import SandboxFixtures
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// The fate of a pod and its processes, on a cluster with real ones.
@Suite struct PodLifeTests {
    @Test(.timeLimit(.minutes(2))) func podsDeletedWhileTheyStartEndAndLeaveNoProcess() async throws {
        try await withCluster { cluster in
            let marker = "360\(UInt32.random(in: 100_000...999_999))"
            for number in 1...60 {
                try cluster.apply(
                    yaml: """
                        {apiVersion: v1, kind: Pod, metadata: {name: quick-\(number)}, spec: {terminationGracePeriodSeconds: 1,
                        containers: [{name: c, image: busybox, command: [sleep, "\(marker)"]}]}}
                        """, source: "test")
                // Some before they are bound, some while they start, some when they run.
                if number.isMultiple(of: 3) { await Task.yield() }
                if number.isMultiple(of: 7) { try await Task.sleep(for: .milliseconds(50)) }
                try cluster.store.delete(.pod("quick-\(number)"))
            }
            try await waitUntil(cluster) { $0.isEmpty }
            #expect(processes(marker) == [])
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPodHeldByAFinalizerIsNotStartedAgain() async throws {
        try await withCluster { cluster in
            try cluster.apply(
                yaml: """
                    {apiVersion: v1, kind: Pod, metadata: {name: held, finalizers: [example.com/x]}, spec: {containers: [{name: c, image: busybox,
                    command: [sh, -c, "trap 'exit 0' TERM; touch /tmp/up; while true; do sleep 0.1; done"],
                    readinessProbe: {exec: {command: [test, -f, /tmp/up]}, periodSeconds: 1}}]}}
                    """, source: "test")
            try await waitUntil(cluster) { $0.first?.isReady == true }
            try cluster.store.delete(.pod("held"))
            try await waitUntil(cluster) { $0.first?.isFinished == true }
            // A kubelet that starts again finds it, as after a loss of power.
            let node = try #require(cluster.fleet?.all.first)
            await node.powerOff()
            try await node.start()
            for try await event in try cluster.store.watch(.nodes) where event.object.isReady { break }
            let held = try cluster.store.get(.pod("held"))
            #expect(held.isBeingDeleted)
            #expect(held.containerStatus("c")?["restartCount"] == 0)
            #expect(held.containerStatus("c")?["state"]?["terminated"]?["exitCode"] == 0)
            _ = try cluster.store.modify(.pod("held")) { $0.finalizers = [] }
            try await waitUntil(cluster) { $0.isEmpty }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aReadinessGateIsOpenedByItsCondition() async throws {
        try await withCluster { cluster in
            try cluster.apply(
                yaml: """
                    {apiVersion: v1, kind: Pod, metadata: {name: gated}, spec: {terminationGracePeriodSeconds: 0,
                    readinessGates: [{conditionType: example.com/x}],
                    containers: [{name: c, image: busybox, command: [sleep, "1000"]}]}}
                    """, source: "test")
            try await waitUntil(cluster) { $0.first?.condition("ContainersReady")?["status"] == "True" }
            let pod = try cluster.store.get(.pod("gated"))
            #expect(!pod.isReady && pod.condition("Ready")?["reason"] == "ReadinessGatesNotReady")
            _ = try cluster.store.modify(.pod("gated"), part: .status) { $0.setCondition(["type": "example.com/x", "status": "True"]) }
            try await waitUntil(cluster) { $0.first?.isReady == true }
        }
    }

    @Test(.timeLimit(.minutes(1))) func sidecarsStartFirstAndEndLast() async throws {
        try await withCluster { cluster in
            // Each writes down when it starts and when it is told to end.
            let script = { (name: String, delay: String) in
                "trap 'echo \(name)-ended >> /log/all; exit 0' TERM; sleep \(delay); echo \(name)-started >> /log/all; touch /log/\(name); "
                    + "while :; do sleep 0.05; done"
            }
            let mounts = "volumeMounts: [{name: log, mountPath: /log}]"
            try cluster.apply(
                yaml: """
                    {apiVersion: v1, kind: Pod, metadata: {name: group}, spec: {terminationGracePeriodSeconds: 10,
                    volumes: [{name: log, hostPath: {path: /log, type: DirectoryOrCreate}}],
                    initContainers: [
                    {name: proxy, image: busybox, restartPolicy: Always, command: [sh, -c, "\(script("proxy", "0.5"))"], \(mounts),
                     startupProbe: {exec: {command: [test, -f, /log/proxy]}, periodSeconds: 1, failureThreshold: 30}},
                    {name: prepare, image: busybox, command: [sh, -c, "echo prepared >> /log/all"], \(mounts)},
                    {name: shipper, image: busybox, restartPolicy: Always, command: [sh, -c, "\(script("shipper", "0"))"], \(mounts),
                     readinessProbe: {exec: {command: [test, -f, /log/shipper]}, periodSeconds: 1}}],
                    containers: [{name: main, image: busybox, command: [sh, -c, "\(script("main", "0.2"))"], \(mounts),
                     readinessProbe: {exec: {command: [test, -f, /log/main]}, periodSeconds: 1}}]}}
                    """, source: "test")
            try await waitUntil(cluster) { $0.first?.isReady == true }
            let pod = try cluster.store.get(.pod("group"))
            let sidecars = pod[path: "status", "initContainerStatuses"]?.array ?? []
            #expect(sidecars.map { $0["ready"] } == [true, true, true])
            #expect(sidecars.map { $0["state"]?["running"] != nil } == [true, false, true])
            // A sidecar that ends is started again, although it is an init container.
            let machine = try #require(cluster.backend as? NodeBackend).directory
            let log = "\(machine)/nodes/worker-1/log/all"
            let session = try await NodeFleet.exec(in: pod, "shipper", ["sh", "-c", "kill -TERM 1"], cluster)
            _ = await session.exit()
            try await waitUntil(cluster) {
                $0.first?[path: "status", "initContainerStatuses"]?[2]?["restartCount"] == 1 && $0.first?.isReady == true
            }
            try cluster.store.delete(.pod("group"))
            try await waitUntil(cluster) { $0.isEmpty }
            let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
            #expect(
                lines == [
                    "proxy-started", "prepared", "shipper-started", "main-started", "shipper-ended", "shipper-started", "main-ended",
                    "shipper-ended", "proxy-ended",
                ])
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPodOfANodeThatIsCutOffRunsOnAndIsToldToEndAfterwards() async throws {
        try await withCluster { cluster in
            try cluster.apply(
                yaml: """
                    {apiVersion: v1, kind: Pod, metadata: {name: old}, spec: {terminationGracePeriodSeconds: 10,
                    volumes: [{name: log, hostPath: {path: /log}}],
                    containers: [{name: c, image: busybox, volumeMounts: [{name: log, mountPath: /log}], command: [sh, -c,
                    "trap 'echo ended >> /log/all; exit 0' TERM; while :; do echo tick >> /log/all; sleep 0.05; done"]}]}}
                    """, source: "test")
            try await waitUntil(cluster) { $0.first?.isReady == true }
            let log = try #require(cluster.backend as? NodeBackend).directory + "/nodes/worker-1/log/all"
            func lines() -> [Substring] { ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").split(separator: "\n") }
            func growth(_ count: Int) async throws {
                let before = lines().count
                while lines().count < before + count { try await Task.sleep(for: .milliseconds(20)) }
            }
            try await growth(2)
            try await cluster.fleet?.operate(.cut, node: "worker-1")
            try cluster.store.delete(.pod("old"))
            try await growth(10)
            #expect(!lines().contains("ended"))
            try await cluster.fleet?.operate(.heal, node: "worker-1")
            try await waitUntil(cluster) { $0.isEmpty }
            #expect(lines().last == "ended")
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPodWhoseWorkIsDoneEndsItsSidecars() async throws {
        try await withCluster { cluster in
            try cluster.apply(
                yaml: """
                    {apiVersion: v1, kind: Pod, metadata: {name: job}, spec: {restartPolicy: Never, terminationGracePeriodSeconds: 1,
                    initContainers: [{name: side, image: busybox, restartPolicy: Always, command: [sleep, "3600"]}],
                    containers: [{name: main, image: busybox, command: ["true"]}]}}
                    """, source: "test")
            try await waitUntil(cluster) { $0.first?.phase == "Succeeded" }
            let pod = try cluster.store.get(.pod("job"))
            #expect(pod[path: "status", "initContainerStatuses"]?[0]?["state"]?["terminated"] != nil)
        }
    }
}

extension PodLifeTests {
    private func withCluster(_ body: (SandboxCluster) async throws -> Void) async throws {
        let cluster = try await SandboxCluster.start(SandboxOptions(nodes: 1))
        do {
            try await body(cluster)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func waitUntil(_ cluster: SandboxCluster, _ condition: ([JSONValue]) -> Bool) async throws {
        if condition(cluster.store.list(.pods)) { return }
        for try await _ in try cluster.store.watch(.pods) where condition(cluster.store.list(.pods)) { return }
    }

    /// The processes of this machine with a word in their command line.
    private func processes(_ word: String) -> [String] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
        return numbers.filter { number in
            guard let line = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
            return line.split(separator: 0).contains { $0.elementsEqual(word.utf8) }
        }
    }
}

extension JSONValue {
    fileprivate func containerStatus(_ name: String) -> JSONValue? {
        self[path: "status", "containerStatuses"]?.array?.first { $0["name"]?.string == name }
    }
}

extension NodeFleet {
    fileprivate static func exec(
        in pod: JSONValue, _ container: String, _ command: [String], _ cluster: SandboxCluster
    ) async throws -> any ExecSession {
        try await cluster.backend.runtime.exec(
            in: ContainerReference(
                namespace: pod.namespace, pod: pod.name, uid: pod.uid, nodeName: pod.nodeName, container: container),
            ExecRequest(command: command, stdin: false, stdout: true, stderr: true, tty: false))
    }
}
