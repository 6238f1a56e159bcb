import Foundation
import JSON
import Testing

@testable import Journal

/// A journal on which something was changed is never read as a whole one.
@Suite struct JournalChainTests {
    private func withScratch(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("chain-\(UUID().uuidString).ndjson").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private static let events: [Event] = [
        .experimentStarted(ExperimentStarted(name: "pod-delete")),
        .probe(
            ProbeResult(
                track: .login, slot: 1, intended: RunTime(nanoseconds: 1), started: RunTime(nanoseconds: 2), done: RunTime(nanoseconds: 3),
                phases: ["tcp": 12])),
        .undoIntent(UndoIntent(id: 1, kind: "uncordonNode", summary: "uncordon a", parameters: ["node": "a"])),
        .undoResult(UndoResult(intent: 1, proven: true, evidence: "schedulable")),
        .runEnded(RunEnded(restored: true)),
    ]

    private static let records = events.enumerated().map { JournalRecord(at: RunTime(nanoseconds: Int64($0.offset)), event: $0.element) }

    private func journal(at path: String) throws -> Data {
        do {
            let writer = try JournalWriter(creating: path, clock: RunClock())
            for record in Self.records { try writer.append(record.event, at: record.at) }
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// The records that are read of `content`, and the line that is said to be damaged.
    private func read(_ content: Data, at path: String) throws -> (records: [JournalRecord], damage: Int?) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        content.withUnsafeBytes { _ = write(file, $0.baseAddress, $0.count) }
        close(file)
        var reader = try JournalReader(path: path)
        var records: [JournalRecord] = []
        while let record = reader.next() { records.append(record) }
        return (records, reader.damage?.line)
    }

    @Test func everyFlippedBitIsFound() throws {
        try withScratch { path in
            let whole = try journal(at: path)
            #expect(try read(whole, at: path).records == Self.records)
            var line = 1
            for index in whole.indices {
                for bit in 0..<8 {
                    var changed = whole
                    changed[index] ^= 1 << UInt8(bit)
                    let (records, damage) = try read(changed, at: path)
                    // Without its newline the last line is one that was not written to its end: the run was killed.
                    if index == whole.endIndex - 1 {
                        #expect(records == Self.records.dropLast(), "byte \(index), bit \(bit)")
                    } else {
                        // A first line without a checksum may be of an earlier version: the second one shows that it is not.
                        let isSeenLate = line == 1 && damage == 2
                        #expect(damage == line || isSeenLate, "byte \(index), bit \(bit)")
                        #expect(records == Array(Self.records.prefix((damage ?? 0) - 1)) || isSeenLate, "byte \(index), bit \(bit)")
                    }
                }
                if whole[index] == UInt8(ascii: "\n") { line += 1 }
            }
        }
    }

    @Test func everyRemovedDoubledOrSwappedLineIsFound() throws {
        try withScratch { path in
            let lines = try journal(at: path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast().map {
                $0 + [10]
            }
            func expectDamage(_ lines: [Data], _ line: Int?, _ what: String) throws {
                let (records, damage) = try read(Data(lines.joined()), at: path)
                #expect(records.count < Self.records.count || damage != nil, "\(what)")
                #expect(damage == line, "\(what)")
            }
            for index in lines.indices {
                var changed = lines
                changed.remove(at: index)
                // Without its last line a journal is that of a run that was killed.
                try expectDamage(changed, index == lines.count - 1 ? nil : index + 1, "line \(index + 1) removed")
                changed = lines
                changed.insert(lines[index], at: index)
                try expectDamage(changed, index + 2, "line \(index + 1) doubled")
                for other in lines.indices where other > index {
                    changed = lines
                    changed.swapAt(index, other)
                    try expectDamage(changed, index + 1, "lines \(index + 1) and \(other + 1) swapped")
                }
            }
        }
    }

    @Test func aJournalOfAnEarlierVersionIsReadAndSaidToBeUnchained() throws {
        try withScratch { path in
            let lines = try Self.records.map { Data(try $0.line()) }
            #expect(try read(Data(lines.joined()), at: path).records == Self.records)
            var reader = try JournalReader(path: path)
            while reader.next() != nil {}
            #expect(!reader.isChained && reader.flaw == nil)
            // Lines that are added to it have no checksums either.
            try JournalWriter(appendingTo: path, clock: RunClock()).append(.runEnded(RunEnded(restored: true)))
            #expect(try JournalReader.records(of: path).count == Self.records.count + 1)
        }
    }

    /// PowerShell's redirection writes UTF-16, an editor or git may change the line ends, a proxy compresses.
    @Test func aRewrittenJournalIsNotWhole() throws {
        try withScratch { path in
            let whole = try journal(at: path)
            let text = String(decoding: whole, as: UTF8.self)
            let mark: [UInt8] = [0xef, 0xbb, 0xbf]
            let plain = Data(try Self.records.flatMap { try $0.line() })
            func utf16(_ text: String, _ encoding: String.Encoding) throws -> Data { try #require(text.data(using: encoding)) }
            let rewritten: [(String, Data)] = [
                ("UTF-16", try utf16(text, .utf16)), ("UTF-16LE", try utf16(text, .utf16LittleEndian)),
                ("UTF-16BE", try utf16(text, .utf16BigEndian)), ("UTF-32", try utf16(text, .utf32)),
                ("UTF-16 without checksums", try utf16(String(decoding: plain, as: UTF8.self), .utf16LittleEndian)),
                ("byte order mark", mark + whole), ("both", mark + plain), ("CRLF", Data(text.replacing("\n", with: "\r\n").utf8)),
                ("blanks", Data(text.replacing("}\n", with: "} \n").utf8)), ("empty first line", [10] + whole),
                ("empty last line", whole + [10]),
                ("twice", whole + whole), ("gzip", [0x1f, 0x8b, 8, 0, 10] + whole),
                ("first line without", try Data(Self.records[0].line()) + whole[(whole.firstIndex(of: 10)! + 1)...]),
            ]
            for (name, content) in rewritten {
                _ = try read(content, at: path)
                var reader = try JournalReader(path: path)
                while reader.next() != nil {}
                #expect(reader.flaw != nil, "\(name)")
                if name == "CRLF" { #expect(reader.flaw?.reason.contains("CRLF") == true) }
            }
            _ = try read(whole, at: path)
            var reader = try JournalReader(path: path)
            while reader.next() != nil {}
            #expect(reader.flaw == nil)
        }
    }

    /// A full disk, or the end of the machine, leaves half a line. Lines that `restore` adds are read all the same.
    @Test func whatIsAddedAfterHalfALineIsRead() throws {
        try withScratch { path in
            let whole = try journal(at: path)
            for cut in [1, 2, 30] {
                let (records, damage) = try read(whole.dropLast(cut), at: path)
                #expect(records == Self.records.dropLast() && damage == nil)
                try JournalWriter(appendingTo: path, clock: RunClock()).append(.runEnded(RunEnded(restored: false)))
                #expect(try JournalReader.records(of: path).last?.event == .runEnded(RunEnded(restored: false)))
            }
        }
    }

    /// In a process of its own: the limit holds for all files of a process, those of other tests included.
    @Test func aJournalThatTakesNoMoreSaysWhatItLacks() async {
        await #expect(processExitsWith: .success) {
            try JournalChainTests().withScratch { path in
                let writer = try JournalWriter(creating: path, clock: RunClock())
                try writer.append(JournalChainTests.records[0].event)
                signal(SIGXFSZ, SIG_IGN)
                var tight = rlimit(rlim_cur: 1, rlim_max: 1)
                setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &tight)
                #expect(throws: JournalError.self) { try writer.append(JournalChainTests.records[1].event) }
                #expect(throws: JournalError.self) { try writer.append(JournalChainTests.records[3].event) }
                let lacking = writer.unwritten.map(\.event)
                #expect(lacking.count == 2)
                #expect(lacking.last == JournalChainTests.records[3].event)
                guard case .interrupted(let reason)? = lacking.first else {
                    Issue.record("\(lacking)")
                    return
                }
                #expect(reason.cause == "error" && reason.message.contains("cannot be written"))
            }
        }
    }

    @Test func aRemovedJournalIsNoticed() throws {
        try withScratch { path in
            let writer = try JournalWriter(creating: path, clock: RunClock())
            try writer.checkPlace()
            try FileManager.default.removeItem(atPath: path)
            #expect(throws: JournalError.self) { try writer.checkPlace() }
            try Data().write(to: URL(fileURLWithPath: path))
            #expect(throws: JournalError.self) { try writer.checkPlace() }
        }
    }
}
