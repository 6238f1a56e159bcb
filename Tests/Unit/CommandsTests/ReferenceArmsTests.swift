import Checkout
import Experiment
import Foundation
import Testing

@testable import Commands
@testable import Fault

/// The experiments that the shipped file makes.
@Suite struct ReferenceArmsTests {
    private static let file = Checkout.root.appendingPathComponent("experiments/reference/reference.yaml").path

    private func arms(
        _ file: String = file, version: String? = "v1.33.1", debts: [String] = [], killed: ReferenceArms.Killed? = nil,
        selected: [ReferenceArms.Kind] = []
    ) throws -> ReferenceArms {
        try ReferenceArms(file, namespace: "default", version: version, debts: debts, killed: killed, selected: selected)
    }

    private func experiment(_ arm: ReferenceArms.Arm) throws -> Experiment {
        let experiments = try ExperimentFile.parse(try #require(arm.text), file: arm.name, faults: FaultCatalog.standard.formats)
        return try #require(experiments.first)
    }

    @Test func everyWayWithoutAndWithTheDebt() throws {
        let table = try arms(killed: .init(workload: "statefulset/stubborn", service: "other"))
        #expect(table.repeats == 10)
        #expect(table.arms.map(\.kind) == ReferenceArms.Kind.allCases + ReferenceArms.Kind.allCases)
        for (index, arm) in table.arms.enumerated() {
            let own = try experiment(arm)
            #expect(own.name == arm.name)
            #expect(own.load?.dirty == (index < ReferenceArms.Kind.allCases.count ? nil : 1 << 30))
            #expect(own.repeats == 1)
            #expect(own.target.service == (arm.kind == .podDeleteKilled ? "other" : "azure-sql-edge"))
            #expect(own.expect.shutdown == (arm.kind == .podDelete ? .clean : .any))
        }
        #expect(Set(table.arms.map(\.name)).count == table.arms.count)
        #expect(try experiment(table.arms[0]).fault.kind == "processKill")
    }

    @Test func aLostNodeIsHelpedInThreeWaysAndNotAtAll() throws {
        let table = try arms()
        func remedy(_ kind: ReferenceArms.Kind) throws -> NodeFailureFault {
            let arm = try #require(table.arms.first { $0.kind == kind })
            let fault = FaultCatalog.standard.injection(try experiment(arm).fault, options: FaultOptions())
            return try #require(fault as? NodeFailureFault)
        }
        #expect(try remedy(.nodeOff).remedy == nil)
        for kind in [ReferenceArms.Kind.nodeOffOutOfService, .nodeOffForceDeletePod, .nodeOffDeleteNode] {
            #expect(try remedy(kind).remedy?.after == .seconds(120))
        }
    }

    @Test func theDebtsThatAreAskedFor() throws {
        let names = try arms(debts: ["64MiB", "512MiB"], selected: [.processKill]).arms.filter { $0.text != nil }.map(\.name)
        #expect(names == ["process-kill", "process-kill-64mib", "process-kill-512mib"])
        #expect(throws: CommandError.self) { try arms(debts: ["much"]) }
    }

    @Test func whatTheClusterCannotDoIsLeftOut() throws {
        let text = try String(contentsOfFile: Self.file, encoding: .utf8)
        let start = try #require(text.range(of: "    nodeFailure:")?.lowerBound)
        let end = try #require(text.range(of: "  load:")?.lowerBound)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("reference-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try (text[..<start] + "    processKill: {}\n" + text[end...]).write(to: file, atomically: true, encoding: .utf8)
        let left = try arms(file.path).arms.prefix(ReferenceArms.Kind.allCases.count).filter { $0.text == nil }
        #expect(
            left.map(\.kind) == [.podDeleteKilled, .nodeOff, .nodeOffOutOfService, .nodeOffForceDeletePod, .nodeOffDeleteNode])
        #expect(left.allSatisfy { $0.leftOut != nil })

        func outOfService(_ version: String?, _ selected: [ReferenceArms.Kind] = []) throws -> String? {
            try arms(version: version, selected: selected).arms.first { $0.kind == .nodeOffOutOfService }?.leftOut
        }
        #expect(try outOfService("v1.20.2")?.contains("v1.20.2") == true)
        #expect(try outOfService("v1.26.0-eks-1") == nil)
        #expect(try outOfService(nil) == nil)
        #expect(try outOfService("v1.25.9", [.nodeOffOutOfService]) == nil)
    }
}
