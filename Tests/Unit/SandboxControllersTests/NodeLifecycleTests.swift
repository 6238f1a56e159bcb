import JSON
import KubernetesAPI
import SandboxFixtures
import Testing

@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// The fate of a database with a ReadWriteOnce volume when its node is lost.
@Suite struct NodeLifecycleTests {
    private func failedNode() throws -> (ControlPlane, old: JSONValue) {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.settle()
        let old = try #require(plane.ready.first)
        plane.deadNodes = [old.nodeName]
        return (plane, old)
    }

    @Test func theServiceDropsThePodsOfASilentNode() throws {
        var (plane, old) = try failedNode()
        try plane.advance(1.5)
        #expect(ProxyTable(try plane.store.read { $0 }).backends.count == 2)
        try plane.advance(1)
        let node = try plane.store.get(ObjectKey(.nodes, name: old.nodeName))
        #expect(node.condition("Ready")?["status"] == "Unknown")
        #expect(Taints.has(node, TaintKey.unreachable))
        #expect(ProxyTable(try plane.store.read { $0 }).backends.isEmpty)
    }

    @Test func theReplacementIsStuckWhileTheOldPodMayStillUseTheVolume() throws {
        var (plane, old) = try failedNode()
        try plane.advance(60)
        #expect(try plane.store.get(.pod(old.name)).isBeingDeleted)
        let new = try #require(plane.pods.first { $0.uid != old.uid })
        #expect(new.nodeName != old.nodeName)
        #expect(!new.isReady)
        let attachments = plane.store.list(.volumeAttachments)
        #expect(attachments.map(\.nodeName) == [old.nodeName])
        #expect(
            plane.store.list(.events).contains {
                $0["reason"] == "FailedAttachVolume" && ($0["message"]?.string ?? "").hasPrefix("Multi-Attach error")
            })
    }

    @Test func afterAForcedDeletionTheVolumeIsTakenFromTheNodeInTheEnd() throws {
        var (plane, old) = try failedNode()
        try plane.advance(6)
        try plane.store.delete(.pod(old.name), .confirmed(uid: old.uid))
        try plane.advance(1.5)
        #expect(plane.ready.isEmpty)
        try plane.advance(1)
        #expect(plane.ready.count == 1)
        #expect(plane.ready.first?.nodeName != old.nodeName)
    }

    @Test func theOutOfServiceTaintReleasesPodAndVolumeAtOnce() throws {
        var (plane, old) = try failedNode()
        try plane.advance(6)
        try plane.store.modify(ObjectKey(.nodes, name: old.nodeName)) { node in
            let taints = node[path: "spec", "taints"]?.array ?? []
            node[path: "spec", "taints"] = .array(
                taints + [["key": .string(TaintKey.outOfService), "value": "nodeshutdown", "effect": "NoExecute"]])
        }
        try plane.settle()
        #expect(plane.ready.count == 1)
        #expect(plane.ready.first?.nodeName != old.nodeName)
    }

    @Test func aNodeThatIsBackLetsItsOldPodGo() throws {
        var (plane, old) = try failedNode()
        try plane.advance(6)
        plane.deadNodes = []
        try plane.store.modify(ObjectKey(.nodes, name: old.nodeName)) { $0.updateCondition("Ready", "True", nil, nil, at: "now") }
        try plane.advance(1)
        #expect(plane.ready.count == 1)
        #expect(plane.pods.count == 1)
        #expect(Taints.of(try plane.store.get(ObjectKey(.nodes, name: old.nodeName))).isEmpty)
    }

    @Test func podsOfADeletedNodeAreCollected() throws {
        var (plane, old) = try failedNode()
        try plane.store.delete(ObjectKey(.nodes, name: old.nodeName))
        try plane.advance(3)
        #expect(plane.ready.count == 1)
        #expect(plane.ready.first?.uid != old.uid)
    }

    @Test func aTaintOfTheUsersEvictsAtOnceWhatDoesNotTolerateIt() throws {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.settle()
        let old = try #require(plane.ready.first)
        try plane.store.modify(ObjectKey(.nodes, name: old.nodeName)) {
            $0[path: "spec", "taints"] = [["key": "chaos", "value": "x", "effect": "NoExecute"]]
        }
        try plane.settle()
        #expect(plane.ready.count == 1)
        #expect(plane.ready.first?.nodeName != old.nodeName)
    }
}
