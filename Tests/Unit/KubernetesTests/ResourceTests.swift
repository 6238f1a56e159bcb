import Foundation
import JSON
import KubernetesAPI
import Testing

@testable import Kubernetes

@Suite struct ResourceTests {
    @Test func pod() throws {
        let pod = try Fixture.decode("pod.json", as: Pod.self)
        #expect(pod.metadata.name == "web-764d9c76c7-fcnpq")
        #expect(pod.metadata.controller?.kind == "ReplicaSet")
        #expect(pod.spec.nodeName == "kn1")
        #expect(pod.spec.volumes?.first?.persistentVolumeClaim?.claimName == "web-data")
        #expect(pod.spec.containers[0].resources?.limits?["cpu"] == "500m")
        #expect(pod.spec.containers[0].readinessProbe?.tcpSocket?.port == .int(8080))
        #expect(pod.spec.tolerations?.map(\.tolerationSeconds) == [5, 5])
        #expect(pod.isReady)
        #expect(pod.containerStatus("web")?.containerID?.hasPrefix("containerd://696c64d5") == true)
        #expect(pod.containerStatus("web")?.state?.running?.startedAt?.description == "2026-11-21T08:15:42Z")
        #expect(pod.containerStatus("web")?.lastState == ContainerState())
        #expect(!pod.isMirror && !pod.isFinished)
    }

    /// The timestamp of a deletion is the end of the grace period.
    @Test func theMomentOfADeletionsRequest() throws {
        func requested(_ grace: String) throws -> String? {
            let json = #"{"name": "x", "deletionTimestamp": "2026-01-01T00:00:30Z"\#(grace)}"#
            return try JSONDecoder().decode(ObjectMeta.self, from: Data(json.utf8)).deletionRequested?.description
        }
        #expect(try requested(#", "deletionGracePeriodSeconds": 30"#) == "2026-01-01T00:00:00Z")
        #expect(try requested(#", "deletionGracePeriodSeconds": 0"#) == "2026-01-01T00:00:30Z")
        #expect(try requested("") == "2026-01-01T00:00:30Z")
        // A number from outside that leads to no time of the calendar.
        _ = try requested(#", "deletionGracePeriodSeconds": 9223372036854775807"#)
    }

    @Test func aNodeThatIsNotHeardAnyMore() throws {
        let node = try Fixture.decode("node-notready.json", as: Node.self)
        #expect(node.readiness == "Unknown")
        #expect(node.spec?.taints?.contains { $0.key == "node.kubernetes.io/unreachable" && $0.effect == "NoExecute" } == true)
    }

    @Test func endpointSlicesOfV1Beta1NameTheirNode() throws {
        let slices: [EndpointSlice] = try Fixture.items("endpointslices.json")
        let web = try #require(slices.first { $0.metadata.labels[LabelKey.serviceName] == "web" })
        #expect(web.endpoints?.first?.isReady == true)
        #expect(web.endpoints?.first?.node == "kn1")
        #expect(web.endpoints?.first?.targetRef?.kind == "Pod")
    }

    @Test func leasesHaveMicroseconds() throws {
        let leases: [Lease] = try Fixture.items("leases.json")
        let renewed = try #require(leases[0].spec?.renewTime)
        #expect(renewed.description.contains("."))
        let whole = renewed.date.timeIntervalSince1970
        #expect(whole != whole.rounded())
    }

    @Test func storage() throws {
        let claim = try #require(Fixture.items("pvcs.json", as: PersistentVolumeClaim.self).first)
        let volume = try #require(Fixture.items("pvs.json", as: PersistentVolume.self).first)
        let storageClass = try #require(Fixture.items("storageclasses.json", as: StorageClass.self).first)
        #expect(claim.status?.phase == "Bound")
        #expect(claim.spec.volumeName == volume.metadata.name)
        #expect(volume.spec.claimRef?.uid == claim.metadata.uid)
        #expect(volume.handle?.hasPrefix("/") == true)
        #expect(storageClass.isDefault)
    }

    @Test func workloads() throws {
        let deployment = try Fixture.decode("deployment.json", as: Deployment.self)
        #expect(deployment.spec.replicas == 1)
        #expect(deployment.status?.readyReplicas == 1)
        #expect(deployment.spec.selector.matches(["app": "web", "more": "x"]))
        let sets: [ReplicaSet] = try Fixture.items("replicasets.json")
        #expect(sets.allSatisfy { $0.metadata.controller?.uid == deployment.metadata.uid })
        let daemonSet = try Fixture.decode("daemonset.json", as: DaemonSet.self)
        #expect(daemonSet.status?.desiredNumberScheduled != nil)
    }

    @Test func servicesAndEndpoints() throws {
        let services: [Service] = try Fixture.items("services.json")
        let balanced = try #require(services.first { $0.spec.type == "LoadBalancer" })
        #expect(balanced.spec.clusterIP?.hasPrefix("10.96.") == true)
        #expect(balanced.spec.ports?.first?.targetPort != nil)
        let endpoints: [Endpoints] = try Fixture.items("endpoints.json")
        #expect(endpoints.contains { $0.subsets?.first?.addresses?.isEmpty == false })
    }

    @Test func aBudgetThatNobodyHasLookedAtYet() throws {
        let budget = try JSONDecoder().decode(
            PodDisruptionBudget.self, from: Data(#"{"metadata": {"name": "b"}, "spec": {"maxUnavailable": "50%"}, "status": {}}"#.utf8))
        #expect(budget.status?.disruptionsAllowed == 0 && budget.status?.expectedPods == 0)
        #expect(budget.spec.maxUnavailable == .string("50%"))
    }

    @Test func eventsWithNullTimes() throws {
        let events: [ClusterEvent] = try Fixture.items("events.json")
        #expect(events.count == 4)
        #expect(events[0].reason == "Starting")
        #expect(events[0].eventTime == nil)
    }

    @Test(arguments: [
        ("2026-11-21T08:15:42Z", 1_795_248_942.0), ("2026-11-21T08:15:42.500000Z", 1_795_248_942.5),
        ("2026-11-21T09:15:42+01:00", 1_795_248_942.0), ("2026-11-21T08:15:42.123456789Z", 1_795_248_942.123456),
    ])
    func times(_ text: String, _ seconds: Double) throws {
        let time = try #require(KubernetesTime(text))
        #expect(abs(time.date.timeIntervalSince1970 - seconds) < 0.000_01)
        #expect(String(decoding: try JSONEncoder().encode([time]), as: UTF8.self) == "[\"\(text)\"]")
    }

    @Test(arguments: ["", "yesterday", "2026-11-21"])
    func noTimes(_ text: String) {
        #expect(KubernetesTime(text) == nil)
    }

    @Test func intOrString() throws {
        #expect(try JSONDecoder().decode([IntOrString].self, from: Data("[1, \"25%\"]".utf8)) == [.int(1), .string("25%")])
        #expect(throws: DecodingError.self) { try JSONDecoder().decode([IntOrString].self, from: Data("[true]".utf8)) }
        #expect(String(decoding: try JSONEncoder().encode([IntOrString.int(1), .string("a")]), as: UTF8.self) == "[1,\"a\"]")
    }

    @Test func selectors() throws {
        let selector = try JSONDecoder().decode(
            LabelSelector.self,
            from: Data(
                """
                {"matchLabels": {"app": "sql"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "zone", "operator": "NotIn", "values": ["x"]}, {"key": "live", "operator": "Exists"}, {"key": "old", "operator": "DoesNotExist"}]}
                """.utf8))
        #expect(selector.query == "app=sql,tier in (a,b),zone notin (x),live,!old")
        #expect(selector.matches(["app": "sql", "tier": "b", "live": ""]))
        #expect(!selector.matches(["app": "sql", "tier": "c", "live": ""]))
        #expect(!selector.matches(["app": "sql", "tier": "a", "live": "", "zone": "x"]))
        #expect(!selector.matches(["app": "sql", "tier": "a", "live": "", "old": "1"]))
        #expect(LabelSelector().matches(["anything": "at all"]))
    }

    @Test func tolerations() {
        let taint = Taint(key: "k", value: "v", effect: "NoExecute")
        #expect(Toleration(operator: "Exists").tolerates(taint))
        #expect(Toleration(key: "k", operator: "Exists", effect: "NoExecute").tolerates(taint))
        #expect(Toleration(key: "k", value: "v").tolerates(taint))
        #expect(!Toleration(key: "k", value: "w").tolerates(taint))
        #expect(!Toleration(key: "k", operator: "Exists", effect: "NoSchedule").tolerates(taint))
        #expect(!Toleration().tolerates(taint))
    }

    @Test func aSecretDoesNotPrintItsValues() throws {
        let secret = try JSONDecoder().decode(
            Secret.self, from: Data(#"{"metadata": {"name": "mssql", "namespace": "sql"}, "data": {"PASSWORD": "aHVudGVyMg=="}}"#.utf8))
        #expect(secret.data?["PASSWORD"] == Data("hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("hunter2") && !text.contains("aHVudGVyMg"))
        }
        #expect("\(secret)".contains("PASSWORD"))
    }
}
