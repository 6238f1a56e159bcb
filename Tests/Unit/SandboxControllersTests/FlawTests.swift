import JSON
import SandboxFixtures
import Testing

@testable import SandboxControllers
@testable import SandboxStore

/// Every flaw shows after a pod was lost, and not before.
@Suite struct FlawTests {
    private func replace(_ flaw: SandboxFlaw) throws -> (
        before: ControlPlane, after: ControlPlane, state: (StoreState, StoreState), pods: (JSONValue, JSONValue?)
    ) {
        var plane = try ControlPlane(flaws: [flaw])
        try plane.deploy()
        try plane.settle()
        let old = try #require(plane.ready.first)
        let before = plane
        let earlier = try plane.store.read { $0 }
        try plane.store.delete(.pod(old.name))
        try plane.settle()
        return (before, plane, (earlier, try plane.store.read { $0 }), (old, plane.ready.first))
    }

    @Test func theServiceComesBackUnderOtherAddresses() throws {
        let (_, _, state, _) = try replace(.serviceIPChanges)
        for path in [["spec", "clusterIP"], ["status", "loadBalancer"]] {
            #expect(state.0[.service]?[path[0]]?[path[1]] != state.1[.service]?[path[0]]?[path[1]])
        }
    }

    @Test func theClaimIsAnotherOne() throws {
        let (_, _, state, pods) = try replace(.claimSwapped)
        #expect(state.0[.claim]?.uid != state.1[.claim]?.uid)
        #expect(state.0[.claim]?[path: "spec", "volumeName"] != state.1[.claim]?[path: "spec", "volumeName"])
        #expect(pods.1 != nil)
    }

    @Test func thePodIsOnAnotherNode() throws {
        let (_, _, _, pods) = try replace(.wrongNode)
        #expect(pods.1?.nodeName != nil)
        #expect(pods.1?.nodeName != pods.0.nodeName)
    }

    @Test func thePodIsNotReplaced() throws {
        let (_, plane, _, _) = try replace(.neverRescheduled)
        #expect(plane.pods.isEmpty)
    }

    @Test func aReplicaIsMissing() throws {
        let (_, _, state, pods) = try replace(.replicaShort)
        #expect(pods.1 != nil)
        #expect(state.0[.deployment]?[path: "status", "readyReplicas"] == 1)
        #expect(state.1[.deployment]?[path: "status", "readyReplicas"] == nil)
    }
}
