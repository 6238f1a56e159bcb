import Yams

/// Experiment files: YAML with one or more documents.
public enum ExperimentFile {
    /// The experiments of a file's text, in its order.
    ///
    /// - Parameters:
    ///   - namespace: of the targets that do not name theirs.
    ///   - faults: the kinds of fault that a file may name.
    /// - Throws: everything that is wrong with the file, in one ``ExperimentFileError``.
    public static func parse(
        _ text: String, file: String, namespace: String = "default", faults: FaultFormats
    ) throws(ExperimentFileError) -> [Experiment] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func diagnostic(_ position: SourcePosition, _ message: String, _ hint: String?) -> Diagnostic {
            let line = lines.indices.contains(position.line - 1) ? lines[position.line - 1] : ""
            return Diagnostic(file: file, position: position, message: message, hint: hint, sourceLine: line)
        }

        let documents: [Node]
        let parser: Parser
        do {
            parser = try Parser(yaml: text)
            var nodes: [Node] = []
            while let node = try parser.nextRoot() { nodes.append(node) }
            documents = nodes
        } catch {
            let (position, message) = explain(error, in: lines)
            throw ExperimentFileError(diagnostics: [diagnostic(position, message, nil)])
        }
        guard !documents.isEmpty else {
            let start = SourcePosition(line: 1, column: 1)
            throw ExperimentFileError(diagnostics: [diagnostic(start, "the file has no document", "aftershock init writes an example")])
        }

        var validator = FormatValidator()
        var experiments: [Experiment] = []
        // The nodes know of their anchors only as long as their parser lives.
        withExtendedLifetime(parser) {
            for document in documents {
                guard let value = validator.validate(document, as: .object(Format.document(faults)), at: "") else { continue }
                experiments.append(Experiment(document: value, namespace: namespace))
                checkTogether(value, &validator)
            }
        }
        guard validator.problems.isEmpty else {
            let ordered = validator.problems.sorted { $0.position < $1.position }
            throw ExperimentFileError(diagnostics: ordered.map { diagnostic($0.position, $0.message, $0.hint) })
        }
        return experiments
    }

    /// The rules that concern several fields together.
    private static func checkTogether(_ document: FormatValue, _ validator: inout FormatValidator) {
        let spec = document.object("spec")
        let giveUpAfter = spec.requiredDuration("giveUpAfter")
        let expect = spec.object("expect")
        for (value, name) in [(expect["recoveredWithin"], "recoveredWithin"), (expect["downtime"]?["max"], "downtime.max")] {
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

    private static func explain(_ error: any Error, in lines: [String]) -> (SourcePosition, String) {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            return (SourcePosition(line: mark.line, column: mark.column), "not YAML: \(problem)")
        case YamlError.duplicatedKeysInMapping(let keys, let context):
            let key = keys.first ?? "?"
            return (secondOccurrence(of: key, from: context.mark, in: lines), "the key '\(key)' stands here more than once")
        default:
            return (SourcePosition(line: 1, column: 1), "not YAML: \(error)")
        }
    }

    /// Yams tells where the mapping with the duplicate begins; the place to look at is the key's second line in it.
    private static func secondOccurrence(of key: String, from mark: Mark, in lines: [String]) -> SourcePosition {
        var found: SourcePosition?
        for (index, line) in lines.enumerated() where index + 1 >= mark.line {
            for range in line.ranges(of: "\(key):") {
                let column = line.distance(from: line.startIndex, to: range.lowerBound) + 1
                let isKey = line[..<range.lowerBound].last.map { " {,\"'".contains($0) } ?? true
                guard isKey else { continue }
                let position = SourcePosition(line: index + 1, column: column)
                guard let first = found else {
                    found = position
                    continue
                }
                if first.line == position.line || first.column == position.column { return position }
            }
        }
        return found ?? SourcePosition(line: mark.line, column: mark.column)
    }
}
