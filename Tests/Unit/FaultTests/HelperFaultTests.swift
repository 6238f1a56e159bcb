import Experiment
import Kubernetes
import Testing

@testable import Fault

/// The faults that change something on the pod's node, or in its container, for a time.
@Suite struct HelperFaultTests {
    private let target = FaultTarget(
        namespace: "sql", workload: "deployment/sql", pod: "sql-0", podUID: "u", node: "n", container: "c", containerID: "containerd://1",
        restartCount: 0, lease: "l")

    @Test func thePlanNamesWhatIsDoneAndWhatIsPutBack() throws {
        let cut = try injection("networkCut: {duration: 20s, helperNamespace: help}", options: FaultOptions(helperImage: "x:1")).plan(
            target)
        #expect(cut.count == 3 && cut[0].contains("image x:1") && cut[0].contains("namespace help") && cut[2].contains("after 20 s"))
        let delay = try injection("networkDelay: {delay: 50ms, jitter: 5ms}").plan(target)
        #expect(delay[1].contains("0.050 s ± 0.005 s"))
        let disk = try injection("diskFull: {maximum: 2Gi}").plan(target)
        #expect(disk[0].contains("2Gi at most"))
        let rollout = try injection("rollout: {image: 'a:2'}")
        #expect(rollout.plan(target)[0].contains("a:2") && rollout.undoInterrupts)
        #expect(try !injection("rollout: {}").undoInterrupts)
    }

    @Test func aChangeThatLastsIsUndoneInTheRun() throws {
        for fault in ["networkCut: {duration: 7s}", "networkDelay: {duration: 7s}", "diskFull: {duration: 7s}"] {
            let fault = try injection(fault)
            #expect(fault.undoAfter == .seconds(7) && fault.sparesInstance)
        }
    }

    /// The helper reverts the change though nobody tells it to, and its pod lives for longer than that.
    @Test func theHelperEndsByItself() throws {
        let helper = HelperPod("cut", for: target, in: nil, image: "busybox", runID: "r")
        let network = PodNetwork(.cut, of: target, at: "10.0.0.1", for: .seconds(30), by: helper)
        #expect(network.arguments == ["cut", "u", "1", "10.0.0.1", "90", "0", "0"])
        #expect(helper.name == "aftershock-cut-r-u-0")
    }

    @Test func eachNeedsItsHelperNamespace() throws {
        let scope = FaultScope(namespace: "sql", workload: "deployment/sql")
        let needed = try injection("networkCut: {helperNamespace: help}").permissions(scope)
        #expect(needed.contains(ResourceAttributes(verb: "create", resource: "pods", namespace: "help")))
        #expect(needed.contains(ResourceAttributes(verb: "get", resource: "pods", subresource: "exec", namespace: "help")))
        #expect(!needed.contains { $0.namespace == "sql" })
    }
}
