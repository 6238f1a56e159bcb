import JSON
import Kubernetes
import Testing
import Verdict

@testable import Run

/// Warnings of preflight, from objects as API servers have sent them.
@Suite struct LookAheadTests {
    // MARK: The volume's place

    /// A zonal disk of AKS, as its CSI driver provisions it (shortened).
    private static let zonal: JSONValue = [
        "metadata": ["name": "pvc-1", "labels": ["topology.kubernetes.io/zone": "westeurope-1"]],
        "spec": [
            "csi": ["driver": "disk.csi.azure.com", "volumeHandle": "/subscriptions/s/disks/pvc-1"],
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "topology.disk.csi.azure.com/zone", "operator": "In", "values": ["westeurope-1"]]]]
                    ]
                ]
            ],
        ],
    ]
    /// One of two zones, as GKE's regional disks have it.
    private static let regional: JSONValue = [
        "metadata": ["name": "pvc-2"],
        "spec": [
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "topology.gke.io/zone", "operator": "In", "values": ["a"]]]],
                        ["matchExpressions": [["key": "topology.gke.io/zone", "operator": "In", "values": ["b"]]]],
                    ]
                ]
            ]
        ],
    ]
    /// A folder of one node.
    private static let local: JSONValue = [
        "metadata": ["name": "local-1"],
        "spec": [
            "local": ["path": "/mnt/disks/1"],
            "nodeAffinity": [
                "required": [
                    "nodeSelectorTerms": [
                        ["matchExpressions": [["key": "kubernetes.io/hostname", "operator": "In", "values": ["worker-1"]]]]
                    ]
                ]
            ],
        ],
    ]
    /// Of an in-tree plugin, which says its zone by its labels alone.
    private static let labelled: JSONValue = [
        "metadata": ["name": "aws-1", "labels": ["failure-domain.beta.kubernetes.io/zone": "eu-1a__eu-1b"]], "spec": [:],
    ]
    private static let anywhere: JSONValue = ["metadata": ["name": "nfs-1"], "spec": ["hostPath": ["path": "/srv"]]]

    private func node(_ name: String, _ labels: JSONValue) throws -> Node {
        let manifest: JSONValue = ["metadata": ["name": .string(name), "labels": labels]]
        return try manifest.decode()
    }

    @Test func aVolumeOfAnotherZoneCannotFollow() throws {
        let volume: PersistentVolume = try Self.zonal.decode()
        let other = try node("node-2", ["topology.disk.csi.azure.com/zone": "westeurope-2", "topology.kubernetes.io/zone": "westeurope-2"])
        let same = try node("node-3", ["topology.disk.csi.azure.com/zone": "westeurope-1"])
        #expect(
            volume.objection(to: [other])
                == "its volume pvc-1 is only for nodes with topology.disk.csi.azure.com/zone In westeurope-1; "
                + "those that could take the pod are node-2 (zone westeurope-2)")
        #expect(volume.objection(to: [other, same]) == nil)
    }

    @Test func anyOfTheTermsWillDo() throws {
        let volume: PersistentVolume = try Self.regional.decode()
        #expect(volume.objection(to: [try node("n", ["topology.gke.io/zone": "b"])]) == nil)
        #expect(volume.objection(to: [try node("n", ["topology.gke.io/zone": "c"])]) != nil)
    }

    @Test func aLocalVolumeStaysWhereItIs() throws {
        let volume: PersistentVolume = try Self.local.decode()
        #expect(volume.objection(to: [try node("worker-2", ["kubernetes.io/hostname": "worker-2"])])?.contains("In worker-1") == true)
    }

    @Test func theLabelsOfOlderVolumesCount() throws {
        let volume: PersistentVolume = try Self.labelled.decode()
        #expect(volume.objection(to: [try node("n", ["topology.kubernetes.io/zone": "eu-1b"])]) == nil)
        #expect(volume.objection(to: [try node("n", ["topology.kubernetes.io/zone": "eu-1c"])])?.contains("zone eu-1a__eu-1b") == true)
        #expect(volume.objection(to: [try node("n", [:])]) == nil, "a node without a zone is not known to be elsewhere")
    }

    @Test func aVolumeThatSaysNothingExcludesNothing() throws {
        let volume: PersistentVolume = try Self.anywhere.decode()
        #expect(volume.objection(to: [try node("n", ["topology.kubernetes.io/zone": "z"])]) == nil)
    }

    // MARK: Memory

    private func memory(_ limit: Int64, _ environment: JSONValue = []) throws -> EngineMemory {
        let manifest: JSONValue = ["name": "mssql", "env": environment]
        return EngineMemory(limit: limit, container: try manifest.decode())
    }

    @Test func anEngineThatPlansWithMoreThanItsLimitIsToldOf() throws {
        var memory = try memory(4 << 30)
        #expect(memory.objection == nil, "nothing is known")
        // 2017 and containers without a view of their cgroup: four fifths of the machine.
        (memory.target, memory.physical) = (12 << 30, 13 << 30)
        #expect(memory.objection?.contains("plans with 12.0 GiB (committed_target_kb of sys.dm_os_sys_info)") == true)
        #expect(memory.objection?.contains("killed at 4.0 GiB") == true)
        #expect(memory.recommended == 3276)
        // `max server memory` below the limit: the machine's size does not matter.
        memory.target = 3 << 30
        #expect(memory.objection == nil)
    }

    @Test func theVariableCountsWhereTheServerDoesNotSay() throws {
        let environment: JSONValue = [["name": "MSSQL_MEMORY_LIMIT_MB", "value": "8192"]]
        #expect(try memory(4 << 30, environment).objection?.contains("8.0 GiB (MSSQL_MEMORY_LIMIT_MB)") == true)
        #expect(try memory(16 << 30, environment).objection == nil)
        #expect(try memory(4 << 30, [["name": "MSSQL_MEMORY_LIMIT_MB", "value": "much"]]).believed == nil)
    }

    // MARK: The time to stop

    private func shutdown(_ took: Duration, of gracePeriod: Duration, isClean: Bool) -> EarlierShutdown {
        EarlierShutdown(
            runID: "r", namespace: "sql", workload: "deployment/sql", gracePeriod: gracePeriod, took: took, isClean: isClean)
    }

    @Test func aShutdownThatTookLongerThanTheGracePeriodIsToldOf() {
        let slow = shutdown(.seconds(45), of: .seconds(60), isClean: true)
        #expect(slow.objection(to: .seconds(30)) == "in run r the server took 45.000 s to stop, and the pod's grace period is 30 s")
        #expect(slow.objection(to: .seconds(60)) == nil)
    }

    @Test func aShutdownThatItsGracePeriodCutOffIsToldOf() {
        let killed = shutdown(.seconds(30), of: .seconds(30), isClean: false)
        #expect(killed.objection(to: .seconds(30))?.contains("did not stop within 30 s and was killed") == true)
        #expect(killed.objection(to: .seconds(60)) == nil, "it was made longer since")
        #expect(shutdown(.seconds(3), of: .seconds(3), isClean: false).objection(to: .seconds(30)) == nil, "the fault left it no time")
        #expect(shutdown(.seconds(2), of: .seconds(30), isClean: false).objection(to: .seconds(30)) == nil, "it crashed before")
    }
}
