import Foundation
import JSON
import Secrets
import Testing

@testable import Journal

@Suite struct JournalTests {
    /// A path in a folder of its own, which is removed afterwards.
    private func withScratch(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("journal.ndjson").path)
    }

    private let events: [Event] = [
        .experimentStarted(ExperimentStarted(name: "pod-delete")),
        .probe(
            ProbeResult(
                track: .login, slot: 3, intended: RunTime(nanoseconds: 1), started: RunTime(nanoseconds: 2), done: RunTime(nanoseconds: 3),
                failure: Failure(phase: "login", kind: "loginRejected", number: 18456, state: 1, severity: 14, message: "Login failed."),
                phases: ["tcp": 12])),
        .undoIntent(UndoIntent(id: 1, kind: "uncordonNode", summary: "uncordon node/a", parameters: ["node": "a"])),
        .runEnded(RunEnded(restored: true)),
    ]

    /// The words of others, wherever they go: an error, and a remark that is none.
    @Test func aSecretThatOthersRepeatIsNotWritten() throws {
        let secret = "Journal-Secret-5e1"
        KnownSecrets.add(secret)
        let words = "the password is '\(secret)'"
        let failure = Failure(phase: "login", kind: "loginRejected", number: 0, severity: 0, message: words)
        var checked = LedgerChecked()
        checked.checkDatabase = [words]
        checked.checkDatabaseSkipped = words
        checked.settledBy = words
        let told: [Event] = [
            .preflightCheck(PreflightCheck(name: "login", status: .warning, message: words, hint: words)),
            .probe(ProbeResult(track: .login, slot: 0, intended: .origin, started: .origin, done: .origin, failure: failure)),
            .observation(ClusterObservation(kind: .event, object: "pod/a", detail: words)),
            .faultInjected(FaultInjected(detail: words)), .faultEffect(FaultEffect(proven: true, evidence: [words])),
            .undoResult(UndoResult(intent: 1, proven: true, evidence: words)), .ledgerChecked(checked),
            .ledgerUnchecked(LedgerUnchecked(reason: words)), .repeatEnded(RepeatEnded(how: .aborted, reason: words)),
        ]
        for event in told {
            try withScratch { path in
                try JournalWriter(creating: path, clock: RunClock()).append(event, at: .origin)
                let text = try String(contentsOfFile: path, encoding: .utf8)
                #expect(text.contains("the password is '***'"), "\(text)")
                #expect(!text.contains(secret), "\(text)")
            }
        }
    }

    /// Of an earlier version, whose lines have no checksums.
    @Test(arguments: [
        "{\"at\":0,\"event\":", "", "[]", "\u{0}", "{\"at\":0}", "{\"at\":0,\"event\":\"nothing\"}",
        "{\"at\":0,\"event\":\"probe\",\"track\":1}",
    ])
    func aLineThatIsNoneIsNamedInOurWords(line: String) throws {
        try withScratch { path in
            let first = #"{"event":"experimentStarted","name":"pod-delete","at":0}"#
            try (first + "\n" + line + "\n").write(toFile: path, atomically: true, encoding: .utf8)
            #expect {
                _ = try JournalReader.records(of: path)
            } throws: { error in
                let text = "\(error)"
                let isForeign = ["Error", "Swift.", "debugDescription", "NSCocoa", "Optional("].contains { text.contains($0) }
                return text.hasPrefix("journal \(path):2 ") && text.contains("not a record of this version's journal") && !isForeign
            }
        }
    }

    @Test func whatIsWrittenIsReadBack() throws {
        try withScratch { path in
            let writer = try JournalWriter(creating: path, clock: RunClock())
            for (index, event) in events.enumerated() {
                try writer.append(event, at: RunTime(nanoseconds: Int64(index)))
            }
            let records = try JournalReader.records(of: path)
            #expect(records.map(\.event) == events)
            #expect(records.map(\.at.nanoseconds) == [0, 1, 2, 3])
        }
    }

    /// The usual events are neither put into JSON by the general encoder nor read by the general decoder. Nothing must tell.
    @Test(arguments: [
        Event.probe(
            ProbeResult(
                track: .session, slot: 3, intended: RunTime(nanoseconds: 1), started: RunTime(nanoseconds: 2), done: .init(nanoseconds: -3),
                phases: ["tcp": 12, "query": 9_000_000_000])),
        .probe(ProbeResult(track: .connect, slot: 0, intended: .origin, started: .origin, done: .origin, phases: [:])),
        .probe(ProbeResult(track: .login, slot: 0, intended: .origin, started: .origin, done: .origin)),
        .probe(ProbeResult(track: .login, slot: 0, intended: .origin, started: .origin, done: .origin, phases: ["\"\\\u{1}ä": 1])),
        .write(
            WriteResult(
                writer: 2, sequence: .max, kind: .update, intended: .origin, started: .origin, done: .origin, outcome: .acknowledged)),
        .write(
            WriteResult(
                writer: 0, sequence: 1, kind: .insert, intended: .origin, started: .origin, done: .origin, outcome: .refused,
                failure: Failure(phase: "query", kind: "serverError", number: 1, message: "\"quoted\"\n", unanswered: 7))),
        .probeSkipped(ProbeSkipped(track: .write, lane: 3, slot: 8, intended: RunTime(nanoseconds: 5), reason: .busy)),
        .probeSkipped(ProbeSkipped(track: .connect, slot: 8, intended: RunTime(nanoseconds: 5), reason: .inFlightCap)),
    ]) func aUsualEventIsReadBackAsItWas(event: Event) throws {
        let record = JournalRecord(at: RunTime(nanoseconds: 7), event: event)
        let line = try record.line()
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        let data = Data(line.dropLast())
        let object = try #require(JSONSerialization.jsonObject(with: data) as? NSDictionary)
        #expect(object == (try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? NSDictionary))
        #expect(try JSONDecoder().decode(JournalRecord.self, from: data) == record)
        #expect(try JournalRecord(line: data, JSONDecoder()) == record)
    }

    @Test func aUsualEventIsReadWithoutTheGeneralDecoder() throws {
        let results: [Event] = [
            .probe(
                ProbeResult(track: .login, slot: 3, intended: .origin, started: .origin, done: .origin, phases: ["tcp": 12, "tls": 0])),
            .probe(ProbeResult(track: .connect, slot: 3, intended: .origin, started: .origin, done: .origin)),
            .write(
                WriteResult(
                    writer: 2, sequence: 4, kind: .insert, intended: .origin, started: .origin, done: .origin, outcome: .unknown)),
            .probeSkipped(ProbeSkipped(track: .write, lane: 3, slot: 8, intended: .origin, reason: .busy)),
        ]
        for event in results {
            let record = JournalRecord(at: RunTime(nanoseconds: -7), event: event)
            #expect(PlainLineReader.record(of: Data(try record.line().dropLast())) == record)
        }
    }

    /// A line that is not exactly as it is written is the general decoder's, whatever is changed in it, and says the same or nothing.
    @Test(
        arguments: [
            .probe(ProbeResult(track: .login, slot: 3, intended: .origin, started: .origin, done: .origin, phases: ["tcp": 12])),
            .probeSkipped(ProbeSkipped(track: .write, lane: 3, slot: 8, intended: .origin, reason: .busy)),
            .write(
                WriteResult(writer: 2, sequence: 4, kind: .insert, intended: .origin, started: .origin, done: .origin, outcome: .unknown)),
        ] as [Event])
    func aLineThatIsAnyOtherIsLeftToTheGeneralDecoder(event: Event) throws {
        let record = JournalRecord(at: RunTime(nanoseconds: 17), event: event)
        let line = Data(try record.line().dropLast())
        for index in line.indices {
            for byte in UInt8.min...UInt8.max where byte != line[index] {
                var changed = line
                changed[index] = byte
                let expected = try? JSONDecoder().decode(JournalRecord.self, from: changed)
                if let found = PlainLineReader.record(of: changed) {
                    #expect(found == expected, "\(String(decoding: changed, as: UTF8.self))")
                }
                #expect((try? JournalRecord(line: changed, JSONDecoder())) == expected)
            }
            #expect(PlainLineReader.record(of: line.prefix(index)) == nil)
        }
        #expect(PlainLineReader.record(of: line + Data(" ".utf8)) == nil)
    }

    /// Two phases of one name, of which the general decoder takes the first; and a checksum that ends the text.
    @Test func aLineThatIsOfTwoMindsIsLeftToTheGeneralDecoder() throws {
        let record = JournalRecord(
            at: RunTime(nanoseconds: 17),
            event: .probe(ProbeResult(track: .login, slot: 3, intended: .origin, started: .origin, done: .origin, phases: ["tcp": 12])))
        let line = String(decoding: try record.line().dropLast(), as: UTF8.self)
        let twice = Data(line.replacing("\"tcp\":12", with: "\"tcp\":12,\"tcp\":13").utf8)
        #expect(PlainLineReader.record(of: twice) == nil)
        #expect(try JournalRecord(line: twice, JSONDecoder()) == record)
        #expect(PlainLineReader.record(of: Data(line.dropLast().utf8) + Data(#","chain":"0123456789abcdef"}"#.utf8)) == record)
        #expect(PlainLineReader.record(of: Data(line.dropLast().utf8) + Data(#","chain":"0123456789abcde""}"#.utf8)) == nil)
    }

    @Test func aLineIsOneFlatObject() throws {
        try withScratch { path in
            let writer = try JournalWriter(creating: path, clock: RunClock())
            try writer.appendDurably(events[0], at: RunTime(nanoseconds: 7))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let object = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(object["at"] as? Int == 7)
            #expect(object["event"] as? String == "experimentStarted")
            #expect(object["name"] as? String == "pod-delete")
        }
    }

    @Test func aTornLastLineIsNotPartOfTheJournal() throws {
        try withScratch { path in
            let writer = try JournalWriter(creating: path, clock: RunClock())
            for event in events { try writer.append(event) }
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            for cut in 1..<30 {
                try whole.dropLast(cut).write(to: URL(fileURLWithPath: path))
                #expect(try JournalReader.records(of: path).count == events.count - 1)
            }
        }
    }

    /// Reports are made while the journal is written: also of a line of which half is there.
    @Test func aReaderGoesOnWhereTheJournalEnded() throws {
        try withScratch { path in
            let whole = Data("{\"at\":0,\"event\":\"experimentStarted\",\"name\":\"a\"}\n".utf8)
            try (whole + whole.prefix(20)).write(to: URL(fileURLWithPath: path))
            var reader = try JournalReader(path: path)
            #expect(reader.next() != nil)
            #expect(reader.next() == nil)
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.seekToEnd()
            try file.write(contentsOf: whole.dropFirst(20) + whole)
            #expect(reader.next() != nil)
            #expect(reader.next() != nil)
            #expect(reader.next() == nil)
            #expect(reader.damage == nil)
        }
    }

    @Test func aDamagedLineIsNamed() throws {
        try withScratch { path in
            try Data("{\"at\":0,\"event\":\"experimentStarted\",\"name\":\"a\"}\n{\"at\":1,\"event\":\"nonsense\"}\n".utf8)
                .write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: JournalError.self) { try JournalReader.records(of: path) }
            #expect(error?.line == 2)
        }
    }

    @Test func aLineWithoutEndIsNotKept() throws {
        var reader = try JournalReader(path: "/dev/zero")
        #expect(reader.next() == nil)
        #expect(reader.damage?.reason == "is longer than any line of a journal")
    }

    @Test func linesAcrossReadsAreWhole() throws {
        try withScratch { path in
            let writer = try JournalWriter(creating: path, clock: RunClock())
            let long = String(repeating: "x", count: 700_000)
            for index in 0..<5 { try writer.append(.experimentStarted(ExperimentStarted(name: "\(index)\(long)"))) }
            let names = try JournalReader.records(of: path).map { record -> String in
                guard case .experimentStarted(let started) = record.event else { return "" }
                return String(started.name.prefix(1))
            }
            #expect(names == ["0", "1", "2", "3", "4"])
        }
    }

    @Test func aJournalHasOneWriterAtATime() throws {
        try withScratch { path in
            do {
                let writer = try JournalWriter(creating: path, clock: RunClock())
                let error = #expect(throws: JournalError.self) { try JournalWriter(appendingTo: path, clock: RunClock()) }
                #expect(error?.reason.contains("still goes on") == true)
                try writer.append(events[0])
            }
            try JournalWriter(appendingTo: path, clock: RunClock()).append(events[3])
            #expect(try JournalReader.records(of: path).count == 2)
        }
    }

    @Test func aJournalIsNeverOverwritten() throws {
        try withScratch { path in
            _ = try JournalWriter(creating: path, clock: RunClock())
            #expect(throws: JournalError.self) { try JournalWriter(creating: path, clock: RunClock()) }
        }
    }
}

extension PlainLineReader {
    fileprivate static func record(of line: Data) -> JournalRecord? { line.withUnsafeBytes { record(of: $0) } }
}

extension JournalRecord {
    fileprivate init(line: Data, _ decoder: JSONDecoder) throws {
        self = try line.withUnsafeBytes { try JournalRecord(line: $0, decoder) }
    }
}
