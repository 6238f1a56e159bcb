import NIOCore
import Testing

@testable import TDS

@Suite struct RowSequenceTests {
    private static func script(rows: Int) -> Script {
        var script = Script()
        script.answer = { sql in sql == "rows" ? .rows(rows) : .tokens([.done(TDSDone(status: .count, rowCount: 1))]) }
        return script
    }

    @Test func handsOutEveryRowInOrder() async throws {
        try await withConnection(Self.script(rows: 20_000)) { connection in
            let rows = try await connection.stream("rows", timeout: .seconds(60))
            #expect(rows.columns.map(\.name) == ["n", "filler"])
            var next: Int32 = 0
            for try await row in rows {
                #expect(try row[0] == .int(next))
                next += 1
            }
            #expect(next == 20_000)
            let counts = try await connection.query("next", timeout: .seconds(60)).rowCounts
            #expect(counts == [1])
        }
    }

    @Test func aSlowReaderHoldsTheServerBack() async throws {
        // Far more than the buffers of both sockets and the sequence hold.
        try await withConnection(Self.script(rows: 20_000)) { connection in
            let rows = try await connection.stream("rows", timeout: .seconds(60))
            var iterator = rows.makeAsyncIterator()
            #expect(try await iterator.next() != nil)
            // The response cannot have ended, as it does not fit anywhere: the connection is still busy with it.
            let error = await #expect(throws: TDSError.self) { try await connection.query("next", timeout: .seconds(60)) }
            #expect(error?.code == .busy)
            var count = 1
            while try await iterator.next() != nil { count += 1 }
            #expect(count == 20_000)
        }
    }

    @Test func leavingTheLoopCancelsTheRest() async throws {
        try await withConnection(Self.script(rows: 20_000)) { connection in
            for try await row in try await connection.stream("rows", timeout: .seconds(60)) {
                #expect(try row[0] == .int(0))
                break
            }
            // The attention is under way until the server has acknowledged it.
            var result: Result<TDSResult, TDSError>
            repeat {
                await Task.yield()
                do throws(TDSError) {
                    result = .success(try await connection.query("next", timeout: .seconds(60)))
                } catch {
                    result = .failure(error)
                }
            } while result.isBusy
            #expect(try result.get().rowCounts == [1])
        }
    }

    @Test func aTimeoutReachesTheReader() async throws {
        var script = Script()
        script.answer = { _ in .rowsThenWait(3) }
        try await withConnection(script) { connection in
            var count = 0
            let error = await #expect(throws: TDSError.self) {
                for try await _ in try await connection.stream("rows", timeout: .seconds(2)) { count += 1 }
            }
            // A machine so busy that not even the columns come in time gives the same error earlier.
            #expect(count == 3 || count == 0)
            #expect(error?.code == .timeout)
        }
    }

    @Test func anErrorBeforeTheFirstRowIsThrownAtOnce() async throws {
        let failure = TDSServerMessage(number: 208, class: 16, text: "Invalid object name.")
        var script = Script()
        script.answer = { _ in .tokens([.error(failure), .done(TDSDone(status: .error))]) }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.stream("rows", timeout: .seconds(60)) }
            #expect(error?.serverMessages == [failure])
        }
    }

    @Test func anErrorBehindRowsIsThrownBehindThem() async throws {
        let failure = TDSServerMessage(number: 823, class: 24, text: "The operating system returned error 5.")
        let columns = TDSColumns([TDSColumn("n", .int)])
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
            var count = 0
            let error = await #expect(throws: TDSError.self) {
                for try await _ in try await connection.stream("rows", timeout: .seconds(60)) { count += 1 }
            }
            #expect(count == 1)
            #expect(error?.serverMessages == [failure])
        }
    }

    @Test func aCancelledReaderIsToldSo() async throws {
        try await withConnection(Self.script(rows: 20_000)) { connection in
            let rows = try await connection.stream("rows", timeout: .seconds(60))
            let task = Task {
                var count = 0
                for try await _ in rows { count += 1 }
                return count
            }
            task.cancel()
            let error = await #expect(throws: TDSError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func aStatementWithoutRowsIsAnEmptySequence() async throws {
        try await withConnection { connection in
            let rows = try await connection.stream("update", timeout: .seconds(60))
            #expect(rows.columns.isEmpty)
            for try await _ in rows { Issue.record("a row came from nowhere") }
        }
    }
}

extension Result<TDSResult, TDSError> {
    fileprivate var isBusy: Bool {
        if case .failure(let error) = self { error.code == .busy } else { false }
    }
}
