import JSON
import Kubernetes
import Testing

@testable import Run

@Suite struct ResolvedTargetTests {
    /// A target with one pod, whose workload's status counts `reported` ready replicas.
    private func target(isPodReady: Bool, reported: Int) throws -> ResolvedTarget {
        let pod: JSONValue = [
            "metadata": ["name": "sql-0", "namespace": "sql"], "spec": ["containers": [["name": "sql"]]],
            "status": ["conditions": [["type": "Ready", "status": isPodReady ? "True" : "False"]]],
        ]
        let service: JSONValue = ["metadata": ["name": "sql", "namespace": "sql"], "spec": ["clusterIP": "10.96.0.9"]]
        return ResolvedTarget(
            namespace: "sql", podSelector: "app=sql", desiredReplicas: 1, reportedReplicas: reported, pods: [try pod.decode()],
            service: try service.decode(), host: "10.96.0.9", port: 1433)
    }

    /// A workload's status lags behind its pods: of a node that was just taken for lost they are not ready, and it does not know yet.
    @Test(arguments: [(true, 1, 1), (false, 1, 0), (true, 0, 0)])
    func aReplicaIsReadyOnlyIfTheWorkloadAndItsPodSaySo(isPodReady: Bool, reported: Int, ready: Int) throws {
        #expect(try target(isPodReady: isPodReady, reported: reported).readyReplicas == ready)
    }
}
