import Yams

/// YAML files with one or more documents of one ``Format``.
public enum FormatFile {
    /// Returns the validated documents of a file's text, in its order.
    ///
    /// - Parameters:
    ///   - empty: the hint for a file without a document; `nil` if a file may have none.
    ///   - together: reports problems over several fields of a document.
    /// - Throws: everything that is wrong with the file, in one ``ExperimentFileError``.
    public static func documents(
        _ text: String, file: String, as format: Format, empty: String?, together: (FormatValue, inout FormatValidator) -> Void
    ) throws(ExperimentFileError) -> [FormatValue] {
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
            guard let empty else { return [] }
            let start = SourcePosition(line: 1, column: 1)
            throw ExperimentFileError(diagnostics: [diagnostic(start, "the file has no document", empty)])
        }

        var validator = FormatValidator()
        var values: [FormatValue] = []
        // The nodes have their anchors only as long as their parser lives.
        withExtendedLifetime(parser) {
            for document in documents {
                guard let value = validator.validate(document, as: format, at: "") else { continue }
                values.append(value)
                together(value, &validator)
            }
        }
        guard validator.problems.isEmpty else {
            let ordered = validator.problems.sorted { $0.position < $1.position }
            throw ExperimentFileError(diagnostics: ordered.map { diagnostic($0.position, $0.message, $0.hint) })
        }
        return values
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

    /// Yams reports the start of the mapping with the duplicate key; the useful place is the key's second line in it.
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
