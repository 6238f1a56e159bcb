/// Experiment files: YAML with one or more documents.
public enum ExperimentFile {
    /// Reads the experiments of a file's text, in its order.
    ///
    /// - Parameters:
    ///   - namespace: the namespace of targets that do not name theirs.
    ///   - faults: the kinds of fault that a file may name.
    /// - Throws: an ``ExperimentFileError`` with all problems of the file.
    public static func parse(
        _ text: String, file: String, namespace: String = "default", faults: FaultFormats
    ) throws(ExperimentFileError) -> [Experiment] {
        try FormatFile.documents(text, file: file, as: .object(Format.document(faults)), empty: "aftershock init writes an example") {
            checkTogether($0, &$1)
        }.map { Experiment(document: $0, namespace: namespace) }
    }

    /// Checks the rules over several fields.
    private static func checkTogether(_ document: FormatValue, _ validator: inout FormatValidator) {
        let spec = document.object("spec")
        let giveUpAfter = spec.requiredDuration("giveUpAfter")
        let expect = spec.object("expect")
        if let client = expect["client"], spec.object("probes")["client"] == nil {
            validator.report(
                client.position, "spec.expect.client is about a client that spec.probes.client does not have",
                hint: "add probes.client.command, or leave expect.client out")
        }
        for (value, name) in [
            (expect["recoveredWithin"], "recoveredWithin"), (expect["downtime"]?["max"], "downtime.max"),
            (expect["client"]?["downtime"]?["max"], "client.downtime.max"),
        ] {
            if let value, case .duration(let limit) = value.content, limit > giveUpAfter {
                validator.report(
                    value.position, "spec.expect.\(name) (\(limit.gep2257)) is more than spec.giveUpAfter (\(giveUpAfter.gep2257))",
                    hint: "a longer outage could never be told from one that is within the limit; raise giveUpAfter")
            }
        }
        let target = spec.object("target")
        let source = target.object("login").object("passwordFrom")
        let named = ["secret", "env", "file"].filter { source[$0] != nil }
        if named.count != 1 {
            validator.report(
                source.position, "spec.target.login.passwordFrom names \(named.count) sources",
                hint: "exactly one of {secret: NAME, key: KEY}, {env: NAME}, {file: PATH}")
        } else if (named == ["secret"]) != (source["key"] != nil) {
            validator.report(source.position, "spec.target.login.passwordFrom: secret and key go together")
        }
        let encryption = target.object("encryption")
        if encryption.requiredText("mode") == "strict", encryption.boolean("trustServerCertificate") {
            validator.report(
                encryption.position, "spec.target.encryption: strict always verifies the certificate",
                hint: "name its authority with ca, or use mode: required")
        }
    }
}
