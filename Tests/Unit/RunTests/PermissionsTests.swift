import Experiment
import Fault
import JSON
import Kubernetes
import Testing

@testable import Run

@Suite struct PermissionsTests {
    private func experiment(_ fault: String) throws -> Experiment {
        let text = """
            apiVersion: aftershock/v1
            kind: Experiment
            metadata: {name: x}
            spec:
              target: {namespace: sql, workload: deployment/a, service: a, login: {passwordFrom: {secret: mssql, key: P}}}
              fault: \(fault)
            """
        return try #require(ExperimentFile.parse(text, file: "x", faults: FaultCatalog.standard.formats).first)
    }

    private func names(_ fault: String) throws -> Set<String> {
        Set(try permissions(fault).required.map(\.description))
    }

    private func permissions(_ fault: String) throws -> Permissions {
        let experiment = try experiment(fault)
        return Permissions(experiment: experiment, fault: FaultCatalog.standard.injection(experiment.fault, options: FaultOptions()))
    }

    @Test func aPodFaultNeedsNothingOfTheWholeCluster() throws {
        for fault in ["{podDelete: {}}", "{processKill: {}}", "{podEvict: {}}", "{none: {}}", "{containerKill: {}}"] {
            #expect(try names(fault).allSatisfy { $0.hasSuffix("in namespace sql") }, "\(fault)")
        }
    }

    @Test func eachFaultNeedsItsOwnVerb() throws {
        #expect(try names("{podDelete: {}}").contains("delete pods in namespace sql"))
        #expect(try names("{podEvict: {}}").contains("create pods/eviction in namespace sql"))
        #expect(try names("{processKill: {}}").contains("get pods/exec in namespace sql"))
        #expect(try names("{nodeDrain: {}}").contains("patch nodes in the whole cluster"))
        #expect(try !names("{none: {}}").contains("delete pods in namespace sql"))
    }

    @Test func onlyTheSecretOfTheLoginIsRead() throws {
        let secrets = try names("{none: {}}").filter { $0.contains("secrets") }
        #expect(secrets == ["get secrets 'mssql' in namespace sql"])
    }

    @Test func theManifestGrantsEveryPermissionAndNoOther() throws {
        let needed = try permissions("{nodeDrain: {}}").required
        let objects = RBACManifest(account: "a", namespace: "tools", permissions: needed).objects
        var granted: Set<String> = []
        for role in objects where ["Role", "ClusterRole"].contains(role["kind"]?.string) {
            for rule in role["rules"]?.array ?? [] {
                let resource = try #require(rule["resources"]?[0]?.string).split(separator: "/").map(String.init)
                for verb in rule["verbs"]?.array ?? [] {
                    let attributes = ResourceAttributes(
                        verb: try #require(verb.string), group: rule["apiGroups"]?[0]?.string ?? "", resource: resource[0],
                        subresource: resource.count > 1 ? resource[1] : nil, namespace: role["metadata"]?["namespace"]?.string,
                        name: rule["resourceNames"]?[0]?.string)
                    granted.insert(attributes.description)
                }
            }
        }
        #expect(granted == Set(needed.map(\.description)))
        #expect(objects.filter { $0["kind"]?.string?.hasSuffix("Binding") == true }.count == 2)
    }
}
