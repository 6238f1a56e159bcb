import JSON
import Testing

@testable import Experiment

/// The smallest file that is valid, and what it is made from.
private let minimal = """
    apiVersion: aftershock/v1
    kind: Experiment
    metadata:
      name: pod-delete
    spec:
      target:
        workload: deployment/azure-sql-edge
        service: azure-sql-edge
        login: {passwordFrom: {secret: mssql, key: MSSQL_SA_PASSWORD}}
      fault: {podDelete: {}}

    """

/// Two kinds of fault, as a list of them would have it.
private let faults = FaultFormats.only([
    .optional("podDelete", .object([.optional("gracePeriod", .duration(), "Its time to end.")]), "Deletes it."),
    .optional(
        "nodeFailure", .object([.required("inject", .strings, "Takes it."), .required("undo", .strings, "Brings it back.")]), "Fails it."),
])

private func problems(_ text: String) throws -> [Diagnostic] {
    let error = #expect(throws: ExperimentFileError.self) { try ExperimentFile.parse(text, file: "x.yaml", faults: faults) }
    return try #require(error).diagnostics
}

@Suite struct ExperimentFileTests {
    @Test func aKeyHasItsPlaceInItsOwnDocument() throws {
        let text = minimal + "---\n" + minimal.replacing("name: pod-delete", with: "name: other") + "  expect:\n    downtime: {max: 5s}\n"
        func line(_ path: [String], _ name: String) throws -> Int? {
            ExperimentFile.position(of: path, experiment: name, in: text)?.line
        }
        let offset = minimal.split(separator: "\n", omittingEmptySubsequences: false).count
        #expect(try line(["spec", "expect", "downtime"], "other") == offset + 12)
        #expect(try line(["spec", "expect", "node"], "other") == offset + 11)
        // A key that the file leaves out is at the experiment's name.
        #expect(try line(["spec", "expect", "downtime"], "pod-delete") == 4)
        #expect(try line([], "absent") == nil)
        #expect(ExperimentFile.position(of: [], experiment: "x", in: "a: [") == nil)
    }

    @Test func whatIsNotSaidHasItsDefault() throws {
        let experiment = try #require(ExperimentFile.parse(minimal, file: "x.yaml", faults: faults).first)
        #expect(experiment.name == "pod-delete")
        #expect(experiment.target.namespace == "default")
        #expect(try ExperimentFile.parse(minimal, file: "x.yaml", namespace: "sql", faults: faults).first?.target.namespace == "sql")
        #expect(experiment.target.workloadKind == .deployment)
        #expect(experiment.target.workload == "azure-sql-edge")
        #expect(experiment.target.login.user == "sa")
        #expect(experiment.target.login.passwordFrom == .secret(name: "mssql", key: "MSSQL_SA_PASSWORD"))
        #expect(experiment.fault.kind == "podDelete")
        #expect(experiment.fault.fields.duration("gracePeriod") == nil)
        #expect(experiment.probes.connect.interval == .milliseconds(20))
        #expect(experiment.probes.login.interval == .milliseconds(100))
        #expect(experiment.probes.session.timeout == .seconds(1))
        #expect(experiment.ledger.writers == 4)
        #expect(experiment.ledger.seedRows == 10_000)
        #expect(experiment.repeats == 1)
        #expect(experiment.expect.maxDowntime == nil)
        #expect(experiment.expect.lostWrites == 0)
        #expect(experiment.expect.node == .any)
    }

    @Test func aTrackWithoutItsOwnIntervalHasTheCommonOne() throws {
        let text = minimal + "  probes: {interval: 50ms, timeout: 2s, login: {interval: 200ms}, session: {timeout: 300ms}}\n"
        let probes = try #require(ExperimentFile.parse(text, file: "x.yaml", faults: faults).first).probes
        #expect(probes.connect == .init(interval: .milliseconds(50), timeout: .seconds(2)))
        #expect(probes.login == .init(interval: .milliseconds(200), timeout: .seconds(2)))
        #expect(probes.session == .init(interval: .milliseconds(50), timeout: .milliseconds(300)))
    }

    @Test func severalDocumentsAreSeveralExperiments() throws {
        let text = minimal + "---\n" + minimal.replacing("pod-delete", with: "again")
        #expect(try ExperimentFile.parse(text, file: "x.yaml", faults: faults).map(\.name) == ["pod-delete", "again"])
    }

    @Test func everythingWrongIsSaidInOneGoWithItsPlace() throws {
        let text = """
            apiVersion: aftershock/v1
            kind: Experiment
            metadata:
              name: Bad Name
            spec:
              target:
                workload: pod/x
                sevice: azure-sql-edge
                login: {passwordFrom: {env: A, file: B}}
              fault: {podDelete: {gracePeriod: 30}}
              steadyFor: PT5S
              repeat: many
            """
        let found = try problems(text)
        #expect(
            found.map(\.position) == [
                SourcePosition(line: 4, column: 9),
                SourcePosition(line: 7, column: 5),
                SourcePosition(line: 7, column: 15),
                SourcePosition(line: 8, column: 5),
                SourcePosition(line: 10, column: 36),
                SourcePosition(line: 11, column: 14),
                SourcePosition(line: 12, column: 11),
            ])
        #expect(found[3].message == "unknown key 'sevice' in spec.target")
        #expect(found[3].hint == "did you mean 'service'?")
        #expect(found[4].hint == "did you mean \"30s\"?")
        #expect(found[5].hint?.contains("ISO 8601") == true)
        #expect(
            found[3].description == """
                x.yaml:8:5: error: unknown key 'sevice' in spec.target
                 8 |     sevice: azure-sql-edge
                   |     ^
                   hint: did you mean 'service'?
                """)
    }

    @Test func aDuplicateKeyIsNamedWhereItStandsAgain() throws {
        let found = try problems(minimal + "  repeat: 2\n  steadyFor: 1s\n  repeat: 3\n")
        #expect(found.map(\.position) == [SourcePosition(line: 13, column: 3)])
        #expect(found[0].message.contains("'repeat'"))
    }

    @Test func brokenYAMLHasItsPlace() throws {
        let found = try problems("apiVersion: [aftershock/v1\nkind: Experiment\n")
        #expect(found.count == 1)
        #expect(found[0].message.hasPrefix("not YAML"))
    }

    @Test(arguments: [
        ("fault: {podDelete: {}}", "fault: {podDelete: {}, nodeFailure: {}}", "exactly one"),
        ("fault: {podDelete: {}}", "fault: {}", "exactly one"),
        ("fault: {podDelete: {}}", "fault: {podDelet: {}}", "unknown key 'podDelet'"),
        ("name: pod-delete", "name: &x pod-delete", "anchors"),
        ("name: pod-delete", "name: yes", "not a string"),
        ("service: azure-sql-edge", "service: azure-sql-edge\n    encryption: {mode: strict, trustServerCertificate: true}", "strict"),
        ("service: azure-sql-edge", "service: azure-sql-edge\n    encryption: {trustServerCertificate: yes}", "not true or false"),
        ("{secret: mssql, key: MSSQL_SA_PASSWORD}", "{secret: mssql}", "go together"),
        ("{secret: mssql, key: MSSQL_SA_PASSWORD}", "{}", "0 sources"),
        ("fault: {podDelete: {}}", "fault: {podDelete: {}}\n  giveUpAfter: 1m\n  expect: {downtime: {max: 90s}}", "giveUpAfter"),
        ("fault: {podDelete: {}}", "fault: {podDelete: {}}\n  probes: {interval: 0ms}", "less than 1ms"),
        ("fault: {podDelete: {}}", "fault: {nodeFailure: {inject: [off]}}", "undo is missing"),
        ("apiVersion: aftershock/v1", "apiVersion: aftershock/v2", "is not aftershock/v1"),
    ])
    func aMistakeIsRefused(correct: String, wrong: String, message: String) throws {
        let found = try problems(minimal.replacing(correct, with: wrong))
        #expect(found.contains { "\($0.message) \($0.hint ?? "")".contains(message) }, "\(found)")
    }

    @Test func anEmptyFileIsRefused() throws {
        #expect(try problems("").count == 1)
        #expect(try problems("# nothing\n").count == 1)
    }

    @Test func theEffectiveDocumentIsTheExperimentAgain() throws {
        let text =
            minimal.replacing("{podDelete: {}}", with: "{podDelete: {gracePeriod: 1m30s}}")
            + "  probes: {interval: 50ms, login: {timeout: 2s}}\n  expect: {downtime: {max: 90s}}\n"
        let experiment = try #require(ExperimentFile.parse(text, file: "x", faults: faults).first)
        let effective = String(decoding: try experiment.effective.data(), as: UTF8.self)
        #expect(try ExperimentFile.parse(effective, file: "x", faults: faults) == [experiment])
        #expect(experiment.effective["spec"]?["giveUpAfter"] == "5m")
        #expect(experiment.effective["spec"]?["probes"]?["connect"] == ["interval": "50ms", "timeout": "1s"])
        #expect(experiment.effective["spec"]?["fault"] == ["podDelete": ["gracePeriod": "1m30s"]])
    }

    /// A stored run is judged also by a version that does not know its fault.
    @Test func whereAnyFaultWillDoItsFieldsAreNotLookedAt() throws {
        let text = minimal.replacing("{podDelete: {}}", with: "{meteor: {size: [1, 2]}}")
        let experiment = try #require(ExperimentFile.parse(text, file: "x", faults: .any).first)
        #expect(experiment.fault.kind == "meteor")
        #expect(throws: ExperimentFileError.self) {
            try ExperimentFile.parse(text.replacing("{meteor: {size: [1, 2]}}", with: "{}"), file: "x", faults: .any)
        }
    }
}

@Suite struct DurationTests {
    @Test(arguments: [("0s", 0), ("90s", 90_000), ("1m30s", 90_000), ("250ms", 250), ("1h2m3s4ms", 3_723_004), ("99999h", 359_996_400_000)])
    func aDurationIsRead(text: String, milliseconds: Int) {
        #expect(Duration(gep2257: text) == .milliseconds(milliseconds))
    }

    @Test(arguments: ["", "30", "1.5s", "-1s", "1d", "PT30S", "1s ", "100000s", "1s1s1s1s1s", "s", "1us"])
    func anythingElseIsNot(text: String) {
        #expect(Duration(gep2257: text) == nil)
    }

    @Test func theCanonicalTextComesBack() {
        for milliseconds in [0, 1, 999, 1000, 61_001, 3_600_000, 86_399_999] {
            let duration = Duration.milliseconds(milliseconds)
            #expect(Duration(gep2257: duration.gep2257) == duration)
        }
        #expect(Duration.seconds(90).gep2257 == "1m30s")
        #expect(Duration.seconds(90).text == "90 s")
        #expect(Duration.milliseconds(250).text == "0.250 s")
        #expect(Duration.milliseconds(-1002).text == "-1.002 s")
        #expect(Duration.zero.text == "0 s")
        // As a Lease or a pod from outside may have it.
        #expect(Duration.seconds(Int64.max).gep2257 == "2562047788015215h30m7s")
        #expect(Duration.seconds(Int64.min).gep2257 == "0s")
    }
}
