import Foundation
import JSON
import Testing
import Verdict

@testable import Journal
@testable import Report

/// The schemas of `results.json` and the journal against the types that write them: a field, an event or a value that one of both does
/// not have must fail here.
@Suite struct SchemaTests {
    /// More than the longest enumeration has values.
    private static let choices = 40

    @Test func everyFieldOfResultsIsInItsSchema() throws {
        let schema = try SchemaDocument(.results)
        for choice in 0..<2 {
            let sample = schema.sample(schema.root, choice: choice)
            let results: Results = try sample.decode()
            #expect(Self.gaps(in: results, at: "results") == [], "fields that the schema does not have")
            #expect(try JSONValue(encoding: results) == sample, "fields that only the schema has")
        }
    }

    @Test func everyEventAndItsFieldsAreInTheSchemaOfTheJournal() throws {
        let schema = try SchemaDocument(.journal)
        let names = JournalRecord.Name.allCases.map(\.rawValue)
        #expect(schema.root["properties"]?["event"]?["enum"] == .array(names.map { .string($0) }))
        for name in names {
            let event = try #require(schema.event(name), "the schema does not have the event \(name)")
            for choice in 0..<Self.choices {
                var sample = schema.sample(event, choice: choice)
                // The writer's, around the record.
                sample["chain"] = nil
                let record: JournalRecord = try sample.decode()
                #expect(Self.gaps(in: record, at: name) == [], "fields that the schema does not have")
                #expect(try JSONValue(encoding: record) == sample, "fields that only the schema has")
            }
        }
    }

    @Test func everyValueOfAnEnumerationIsInItsSchema() throws {
        let journal = try SchemaDocument(.journal)
        let results = try SchemaDocument(.results)
        func field(_ event: String, _ name: String) -> JSONValue? {
            journal.event(event)?["properties"]?[name].map(journal.resolved)?["enum"]
        }
        func names<Value: CaseIterable & RawRepresentable<String>>(_: Value.Type) -> JSONValue {
            .array(Value.allCases.map { .string($0.rawValue) })
        }
        #expect(field("probe", "track") == names(Track.self))
        #expect(field("preflightCheck", "status") == names(PreflightCheck.Status.self))
        #expect(field("stageEntered", "stage") == names(StageEntered.Stage.self))
        #expect(field("probeSkipped", "reason") == names(ProbeSkipped.Reason.self))
        #expect(field("write", "kind") == names(WriteResult.Kind.self))
        #expect(field("write", "outcome") == names(WriteResult.Outcome.self))
        #expect(field("snapshot", "moment") == names(Snapshot.Moment.self))
        #expect(field("observation", "kind") == names(ClusterObservation.Kind.self))
        #expect(field("serverLog", "kind") == names(ServerLogEntry.Kind.self))
        #expect(field("engine", "moment") == names(Snapshot.Moment.self))
        #expect(field("repeatEnded", "how") == names(RepeatEnded.How.self))
        #expect(results.root["properties"]?["state"]?["enum"] == names(Findings.State.self))
        #expect(results.root["definitions"]?["track"]?["enum"] == names(Track.self))
        #expect(results.root["definitions"]?["verdict"]?["enum"] == names(Verdict.self))
        #expect(results.root["definitions"]?["check"]?["properties"]?["outcome"]?["enum"] == names(Judgement.Outcome.self))
    }

    /// The places of a value in which there is nothing: a schema that has every field leaves none.
    private static func gaps(in value: Any, at path: String) -> [String] {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional, .collection, .dictionary, .set:
            guard !mirror.children.isEmpty else { return [path] }
            return mirror.children.flatMap { gaps(in: $0.value, at: path) }
        default: return mirror.children.flatMap { gaps(in: $0.value, at: "\(path).\($0.label ?? "")") }
        }
    }

    @Test func aGapIsSeen() {
        #expect(
            Self.gaps(in: Results.Run(id: "", version: "", startedAt: "", host: "", context: "", serverVersion: "", seed: ""), at: "") == []
        )
        #expect(Self.gaps(in: Results.Repeat.Ledger.Unchecked(reason: nil), at: "a") == ["a._reason.wrappedValue"])
    }
}
