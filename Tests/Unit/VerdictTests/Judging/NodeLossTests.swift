import Journal
import JournalScript
import KubernetesAPI
import Testing

@testable import Verdict

@Suite struct NodeLossTests {
    /// The account of a lost node, when the look at it before the undo showed `faulted` and the watch `seen` (milliseconds after
    /// the fault).
    private func loss(_ faulted: (inout Snapshot) -> Void, _ seen: [(Int, ClusterObservation)] = []) throws -> NodeLoss {
        var script = Script()
        script.fault = "nodeDrain: {}"
        script.drop { if case .observation(let seen) = $0 { seen.kind == .podTerminating } else { false } }
        script.changeSnapshot(.before) { $0.pods[0].tolerationSeconds = ["node.kubernetes.io/unreachable": 300] }
        var snapshot = script.snapshot(.faulted)
        snapshot.pods.append(
            .init(
                name: "mssql-1", uid: "pod2", node: "node-b", containerID: "", restartCount: 0, ready: false, terminating: false))
        snapshot.nodes = [.init(name: "node-a", ready: "Unknown", taints: ["node.kubernetes.io/unreachable:NoExecute"])]
        snapshot.attachments = []
        faulted(&snapshot)
        let fault = 1000 + script.faultAt
        let extra = seen.map { script.record(fault + $0, .observation($1)) } + [script.record(fault + 9000, .snapshot(snapshot))]
        var reducer = FindingsReducer()
        for record in (script.records + extra).sorted(by: { $0.at < $1.at }) { reducer.add(record) }
        return try #require(reducer.findings().experiments.first?.repeats.first?.nodeLoss)
    }

    @Test func aDiskThatStaysWithTheLostNodeIsToldInFull() throws {
        let event = ClusterObservation(
            kind: .event, object: "pod/mssql-1", detail: "FailedAttachVolume: Multi-Attach error for volume \"pv1\"")
        let loss = try loss(
            {
                $0.pods[0].terminating = true
                $0.attachments = [.init(volume: "pv1", node: "node-a", attached: true)]
            }, [(500, ClusterObservation(kind: .podTerminating, object: "pod/mssql-0", uid: "pod1")), (700, event)])
        #expect(loss.node == "node-a")
        #expect(loss.oldPod == .terminating)
        #expect(loss.oldPodDeletedAfter == .milliseconds(500))
        #expect(loss.tolerationSeconds == ["node.kubernetes.io/unreachable": 300])
        #expect(loss.holdsVolume)
        #expect(loss.isOutOfService == false)
        #expect(loss.multiAttach.map(\.after) == [.milliseconds(700)])
        let story = loss.sentences.joined(separator: "\n")
        for part in ["Ready=Unknown", "300 s", "still Terminating", "attached to node node-a", "Multi-Attach error", "out-of-service"] {
            #expect(story.contains(part), "\(part) is not in: \(story)")
        }
    }

    @Test func aNodeThatIsOutOfServiceIsToldSo() throws {
        let loss = try loss {
            $0.pods[0].terminating = true
            $0.nodes?[0].taints.append("\(TaintKey.outOfService):NoExecute")
            $0.attachments = [.init(volume: "pv1", node: "node-a", attached: true)]
        }
        #expect(loss.isOutOfService == true)
        #expect(loss.sentences.contains { $0.contains("carried the taint") })
    }

    @Test func storageThatNeedsNoAttachingHoldsNothing() throws {
        let loss = try loss { $0.pods.removeFirst() }
        #expect(loss.oldPod == .gone)
        #expect(!loss.holdsVolume)
        #expect(loss.sentences.contains { $0.contains("no VolumeAttachment") })
    }

    @Test func whatCouldNotBeReadIsNotClaimed() throws {
        let loss = try loss {
            $0.attachments = nil
            $0.nodes = nil
        }
        #expect(loss.oldPod == .there)
        #expect(loss.ready == nil && loss.isOutOfService == nil && loss.attachments == nil)
        #expect(loss.sentences.contains { $0.contains("could not be read") })
        #expect(!loss.sentences.contains { $0.contains("Ready=") })
    }

    @Test func otherFaultsHaveNone() {
        #expect(Script().findings().experiments.first?.repeats.first?.nodeLoss == nil)
    }
}
