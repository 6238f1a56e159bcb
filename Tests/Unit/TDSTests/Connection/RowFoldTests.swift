import NIOCore
import Synchronization
import Testing

@testable import TDS

@Suite struct RowFoldTests {
    private struct Refusal: Error, Equatable {
        var row: Int64?
    }

    private static func script(rows: Int) -> Script {
        var script = Script()
        script.answer = { sql in sql == "rows" ? .rows(rows) : .tokens([.done(TDSDone(status: .count, rowCount: 1))]) }
        return script
    }

    @Test func takesEveryRowInOrder() async throws {
        try await withConnection(Self.script(rows: 20_000)) { connection in
            let next = try await connection.fold(rowsOf: "rows", timeout: .seconds(60), into: 0) { next, row throws in
                if next == 0 { #expect(row.columns.map(\.name) == ["n", "filler"]) }
                let number = try row.integer()
                let filler = try row.bytes { $0.count == 2000 && $0.first == 0x5A && $0.last == 0x5A }
                #expect(number == Int64(next) && filler == true)
                next += 1
            }
            #expect(next == 20_000)
            let counts = try await connection.query("next", timeout: .seconds(60)).rowCounts
            #expect(counts == [1])
        }
    }

    @Test func throwingCancelsTheRest() async throws {
        try await withConnection(Self.script(rows: 20_000)) { connection in
            let error = await #expect(throws: Refusal.self) {
                try await connection.fold(rowsOf: "rows", timeout: .seconds(60), into: 0) { count, row in
                    count += 1
                    if count == 3 { throw Refusal(row: try row.integer()) }
                }
            }
            #expect(error == Refusal(row: 2))
            // The server has acknowledged that it stopped: the connection is of use again.
            let counts = try await connection.query("next", timeout: .seconds(60)).rowCounts
            #expect(counts == [1])
        }
    }

    @Test func aTimeoutReachesTheCaller() async throws {
        var script = Script()
        script.answer = { _ in .rowsThenWait(3) }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.fold(rowsOf: "rows", timeout: .milliseconds(300), into: ()) { _, _ in }
            }
            #expect(error?.code == .timeout)
        }
    }

    @Test func anErrorBeforeTheFirstRowIsThrown() async throws {
        let failure = TDSServerMessage(number: 208, class: 16, text: "Invalid object name.")
        var script = Script()
        script.answer = { _ in .tokens([.error(failure), .done(TDSDone(status: .error))]) }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.fold(rowsOf: "rows", timeout: .seconds(60), into: ()) { _, _ in }
            }
            #expect(error?.serverMessages == [failure])
        }
    }

    @Test func anErrorBehindRowsIsThrownBehindThem() async throws {
        let failure = TDSServerMessage(number: 823, class: 24, text: "The operating system returned error 5.")
        let columns = TDSColumns([TDSColumn("n", .int)])
        let taken = Mutex(0)
        var script = Script()
        script.answer = { _ in
            var row = ByteBuffer()
            try? TDSRow.encode([.int(1)], columns: columns, into: &row)
            row.moveReaderIndex(forwardBy: 1)
            return .tokensThenClose([
                .columnMetadata(columns), .row(TDSRow(columns: columns, bytes: row, hasNullBitmap: false)), .error(failure),
            ])
        }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.fold(rowsOf: "rows", timeout: .seconds(60), into: ()) { _, _ in taken.withLock { $0 += 1 } }
            }
            #expect(taken.withLock { $0 } == 1)
            #expect(error?.serverMessages == [failure])
        }
    }

    @Test func aCancelledTaskIsToldSo() async throws {
        var script = Script()
        script.answer = { _ in .rowsThenWait(3) }
        try await withConnection(script) { connection in
            let (rows, row) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await connection.fold(rowsOf: "rows", timeout: .seconds(60), into: ()) { _, _ in row.yield() }
            }
            for await _ in rows { break }
            task.cancel()
            let error = await #expect(throws: TDSError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func aStatementWithoutRowsTakesNone() async throws {
        try await withConnection { connection in
            let count = try await connection.fold(rowsOf: "update", timeout: .seconds(60), into: 0) { count, _ in count += 1 }
            #expect(count == 0)
        }
    }

    // MARK: What a row reader reads

    /// The values of all rows of `response`, which comes in pieces, by `read`.
    private func rows<Value>(
        _ response: ByteBuffer, _ pieceLength: () -> Int, _ read: (inout TDSRowReader) throws -> Value
    ) throws -> [Value] {
        var decoder = TDSTokenDecoder()
        var rest = response
        var values: [Value] = []
        while rest.readableBytes > 0 {
            let piece = rest.readSlice(length: min(pieceLength(), rest.readableBytes))
            decoder.append(try #require(piece), isEndOfMessage: false)
            func takeRows() throws {
                var failure: (any Error)?
                _ = try decoder.takeRows { row in
                    do { values.append(try read(&row)) } catch { failure = error }
                    return failure == nil
                }
                if let failure { throw failure }
            }
            try takeRows()
            while let token = try decoder.next() {
                if let row = token.row {
                    // A row of which the last byte came with what its first bytes came with is taken, and no token.
                    Issue.record("a token was made of row \(row)")
                }
                try takeRows()
            }
        }
        try decoder.endMessage()
        return values
    }

    /// Values of all types, with and without a bitmap of those that are NULL, and what is NULL.
    private static func response() throws -> ByteBuffer {
        let columns = TDSColumns(TypedValue.all.enumerated().map { TDSColumn("c\($0)", $1.type) })
        var response = try encodeTokens([.columnMetadata(columns)])
        try TDSRow.encode(TypedValue.all.map(\.value), columns: columns, into: &response)
        try TDSRow.encodeWithNullBitmap(TypedValue.all.map(\.value), columns: columns, into: &response)
        for remainder in 0...1 {
            let values = TypedValue.all.enumerated().map { $0 % 2 == remainder ? .null : $1.value }
            try TDSRow.encodeWithNullBitmap(values, columns: columns, into: &response)
        }
        response.writeImmutableBuffer(try encodeTokens([.done(TDSDone())]))
        return response
    }

    @Test(arguments: [1, 7, 997, 1 << 20]) func readsWhatATokenHolds(pieces: Int) throws {
        let response = try Self.response()
        let expected = try decodeTokens(response).compactMap(\.row).map { try $0.values() }
        let read = try rows(response, { pieces }) { row in
            var values: [TDSValue] = []
            for _ in row.columns { values.append(try row.value()) }
            return values
        }
        #expect(read == expected)
        let integers = try rows(response, { pieces }) { row in
            var values: [Int64?] = []
            for _ in row.columns { values.append(try row.integer()) }
            return values
        }
        #expect(integers == expected.map { $0.map(\.integer) })
        let texts = try rows(response, { pieces }) { row in
            var values: [String?] = []
            for _ in row.columns { values.append(try row.text()) }
            return values
        }
        #expect(texts == expected.map { $0.map(\.string) })
        let bytes = try rows(response, { pieces }) { row in
            var values: [[UInt8]?] = []
            for _ in row.columns { values.append(try row.bytes { Array($0) }) }
            return values
        }
        #expect(bytes == expected.map { $0.map { $0.bytes.map { Array($0.readableBytesView) } } })
    }

    @Test func damageIsAnErrorOrAnotherValueNeverACrash() throws {
        let response = try Self.response()
        for _ in 0..<1000 {
            var damaged = response
            for _ in 0..<Int.random(in: 1...4) {
                damaged.setInteger(UInt8.random(in: 0...255), at: Int.random(in: 0..<damaged.readableBytes))
            }
            _ = try? rows(damaged, { Int.random(in: 1...2000) }) { row in
                for column in 0..<row.columns.count {
                    switch column % 4 {
                    case 0: _ = try row.integer()
                    case 1: _ = try row.text()
                    case 2: _ = try row.bytes { $0.count }
                    default: _ = try row.value()
                    }
                }
            }
        }
    }
}
