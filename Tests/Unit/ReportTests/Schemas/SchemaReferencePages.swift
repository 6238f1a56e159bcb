import Checkout
import Foundation
import JSON
import Testing

@testable import Journal
@testable import Report

/// docs/reference/results.md and docs/reference/journal.md, which are generated from the schemas.
@Suite struct SchemaReferencePages {
    private static let again =
        "This page is generated: `AFTERSHOCK_UPDATE_DOCS=1 swift test --filter SchemaReferencePages` writes it again."

    private func results() throws -> String {
        let schema = try SchemaDocument(.results)
        return """
            # Every field of results.json

            \(schema.root["description"]?.string ?? "") `aftershock schema results` prints the JSON Schema. `[]` stands for each element of a
            list, `.*` for each key of an object that has one for each of something, such as a track.

            \(Self.table(schema.fields(of: schema.root)))

            \(Self.again)

            """
    }

    private func journal() throws -> String {
        let schema = try SchemaDocument(.journal)
        let events = try JournalRecord.Name.allCases.map { name in
            let event = try #require(schema.event(name.rawValue))
            let fields = schema.fields(of: event).filter { !["at", "event", "chain"].contains($0.path) }
            return "## \(name.rawValue)\n\n\(event["description"]?.string ?? "")\n\n\(Self.table(fields))\n"
        }
        return """
            # Every event of the journal

            \(schema.root["description"]?.string ?? "") `aftershock schema journal` prints the JSON Schema of a line. Every line has `at`, the
            time at which the fact was known; `event`, its kind; and `chain`, a checksum over this line and all before it. A field that is not
            known is left out. `[]` stands for each element of a list, `.*` for each key of an object that has one for each of something.

            \(events.joined(separator: "\n"))
            \(Self.again)

            """
    }

    private static func table(_ fields: [SchemaDocument.Field]) -> String {
        (["| field | value | meaning |", "|---|---|---|"] + fields.map { "| `\($0.path)` | \($0.type) | \($0.description) |" })
            .joined(separator: "\n")
    }

    @Test func areTheSchemas() throws {
        for (name, text) in [("results", try results()), ("journal", try journal())] {
            let file = Checkout.root.appendingPathComponent("docs/reference/\(name).md")
            if ProcessInfo.processInfo.environment["AFTERSHOCK_UPDATE_DOCS"] == "1" { try Data(text.utf8).write(to: file) }
            #expect(
                try String(contentsOf: file, encoding: .utf8) == text,
                "run: AFTERSHOCK_UPDATE_DOCS=1 swift test --filter SchemaReferencePages")
        }
    }

    /// A field that nobody can look up might as well not be there. `before` and `after` say all by their names.
    @Test func everyFieldIsExplained() throws {
        let results = try SchemaDocument(.results)
        let journal = try SchemaDocument(.journal)
        let fields =
            results.fields(of: results.root)
            + (journal.root["allOf"]?.array ?? []).flatMap { $0["then"].map { journal.fields(of: $0) } ?? [] }
        #expect(fields.count > 250)
        let clear = ["before", "after", "event", "schema", "checked"]
        #expect(fields.filter { field in field.description.isEmpty && !clear.contains { field.path.hasSuffix($0) } }.map(\.path) == [])
    }
}
