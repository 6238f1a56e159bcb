import Checkout
import Experiment
import Foundation
import JSON
import Testing

@testable import Fault

/// docs/reference/experiment.md, which is generated from the format of the experiment file.
@Suite struct ExperimentReferencePage {
    private static let file = Checkout.root.appendingPathComponent("docs/reference/experiment.md")

    private var text: String {
        """
        # Every key of an experiment file

        `aftershock validate FILE` holds a file against these. `aftershock schema` prints the same as a JSON Schema, which editors take
        (the first line of each experiment in `experiments/` names it). Durations are written as `250ms`, `90s`, `1m30s` or `2h`.

        | key | value | default | meaning |
        |---|---|---|---|
        \(rows(ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats), at: "").joined(separator: "\n"))

        This page is generated: `AFTERSHOCK_UPDATE_DOCS=1 swift test --filter ExperimentReferencePage` writes it again.

        """
    }

    @Test func isTheFormat() throws {
        if ProcessInfo.processInfo.environment["AFTERSHOCK_UPDATE_DOCS"] == "1" { try Data(text.utf8).write(to: Self.file) }
        #expect(
            try String(contentsOf: Self.file, encoding: .utf8) == text,
            "run: AFTERSHOCK_UPDATE_DOCS=1 swift test --filter ExperimentReferencePage")
    }

    /// A key that nobody can look up might as well not be there.
    @Test func everyKeyIsExplained() throws {
        let rows = rows(ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats), at: "")
        #expect(rows.count > 60)
        for kind in FaultCatalog.standard.kinds { #expect(rows.contains { $0.hasPrefix("| `spec.fault.\(kind.kind)`") }) }
        #expect(rows.filter { $0.hasSuffix("|  |") } == [])
    }

    /// The keys of an object and of what is in it.
    private func rows(_ schema: JSONValue, at path: String) -> [String] {
        let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
        return (schema["properties"]?.object ?? [:]).sorted { $0.key < $1.key }.flatMap { name, field in
            let key = path.isEmpty ? name : "\(path).\(name)"
            let meaning = field["description"]?.string ?? ""
            let fallback = required.contains(name) ? "required" : field["default"].map { "`\(words($0))`" } ?? ""
            return ["| `\(key)` | \(value(field)) | \(fallback) | \(meaning) |"] + rows(field, at: key)
        }
    }

    private func value(_ field: JSONValue) -> String {
        if let choices = field["enum"]?.array { return choices.map { "`\(words($0))`" }.joined(separator: ", ") }
        if field["examples"] != nil { return "duration" }
        let types = (field["type"]?.array ?? [field["type"]].compactMap(\.self)).compactMap(\.string)
        let kind = types.joined(separator: " or ")
        guard let least = field["minimum"], let most = field["maximum"] else { return kind == "array" ? "list of texts" : kind }
        return "\(kind), \(words(least)) to \(words(most))"
    }

    private func words(_ value: JSONValue) -> String { value.string ?? String(decoding: (try? value.data()) ?? Data(), as: UTF8.self) }
}
