import Journal
import Testing

@testable import Run

@Suite struct ServerLogReaderTests {
    /// The result of each line of a log, which are given without their prefix.
    private func read(_ texts: String...) -> [ServerLogReader.Found?] {
        var reader = ServerLogReader()
        return texts.map { reader.take("2026-11-21 09:12:13.45 spid9s      \($0)") }
    }

    @Test func theNotableLinesAreKeptWithoutTheirPrefix() {
        let recovery =
            "Recovery completed for database aftershock (database ID 5) in 3 second(s) (analysis 15 ms, redo 2005 ms, undo 1022 ms.)"
        let stop = "SQL Server is terminating in response to a 'stop' request from Service Control Manager."
        let found = read("Starting up database 'aftershock'.", recovery, stop)
        #expect(found == [nil, .init(kind: .recovery, text: recovery), .init(kind: .shutdown, text: stop)])
    }

    @Test(arguments: [823, 824, 825, 9001, 9002, 1105, 17053]) func anErrorHasItsNumberAndTheWordsOfTheNextLine(number: Int) {
        let header = "Error: \(number), Severity: 24, State: 2."
        let found = read(header, "The page is damaged.", "The page is damaged.")
        #expect(found == [nil, .init(kind: .error, number: number, text: "\(header) The page is damaged."), nil])
    }

    @Test func otherErrorsAreNotAlarming() {
        #expect(read("Error: 18456, Severity: 14, State: 8.", "Login failed for user 'sa'.") == [nil, nil])
    }

    @Test func aSlowDiskHasNoHeader() {
        let text = "SQL Server has encountered 3 occurrence(s) of I/O requests taking longer than 15 seconds to complete on file [x]."
        #expect(read(text) == [.init(kind: .error, number: 833, text: text)])
    }

    @Test func foreignTextIsShortAndControlsNoTerminal() throws {
        let found = try #require(read("SQL Server is terminating\u{1b}[2J" + String(repeating: "x", count: 5000)).first ?? nil)
        #expect(found.text.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        #expect(found.text.count == 500)
    }
}
