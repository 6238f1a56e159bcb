import Experiment
import Fault
import JSON
import Journal
import Ledger
import Testing

@testable import Run

/// The undo of the ledger as it is written down: all that `restore` needs, and no secret.
@Suite struct RemoveTablesTests {
    private func action(password: String) throws -> RemoveTables {
        let text = """
            apiVersion: aftershock/v1
            kind: Experiment
            metadata: {name: x}
            spec:
              target: {namespace: sql, workload: deployment/a, service: a, login: {user: u, passwordFrom: \(password)}}
              fault: {podDelete: {}}
            """
        let experiment = try #require(ExperimentFile.parse(text, file: "x", faults: FaultCatalog.standard.formats).first)
        let tables = try #require(LedgerTables(database: "d", tableSuffix: "r_1", ownsDatabase: true))
        return RemoveTables(tables, experiment, lease: "aftershock-a")
    }

    @Test func itNamesTheLoginAndWhereItsPasswordIs() throws {
        let written = try JSONValue(encoding: try action(password: "{secret: s, key: k}"))
        let read = try written.decode(RemoveTables.self)
        let target = try Experiment.Target(effective: read.target)
        #expect(target.login.user == "u")
        #expect(target.login.passwordFrom == .secret(name: "s", key: "k"))
        #expect(target.database == "master")
        #expect(read.object == .lease("aftershock-a", in: "sql"))
        #expect(RemoveTables.annotation != Undo.annotationKey)
    }

    /// A mark could name any file of this machine, and any server to send it to.
    @Test(arguments: [("{env: HOME}", true), ("{file: /etc/shadow}", true), ("{secret: s, key: k}", false)])
    func aPasswordOfThisMachineIsNotReadForAMark(password: String, needsConsent: Bool) throws {
        #expect(try (action(password: password).consent != nil) == needsConsent)
    }

    @Test func aSecretOfAnotherNamespaceIsNotReadForAMark() throws {
        var action = try action(password: "{secret: s, key: k}")
        action.namespace = "elsewhere"
        #expect(action.consent != nil)
    }

    @Test(arguments: ["", "a b", "x]; DROP TABLE y--", "é"]) func onlyASuffixThatALedgerHasIsTaken(suffix: String) {
        #expect(LedgerTables(database: "d", tableSuffix: suffix, ownsDatabase: true) == nil)
    }
}
