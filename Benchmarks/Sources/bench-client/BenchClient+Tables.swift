import NIOCore
import TDS

extension BenchClient {
    /// Makes a table of `count` rows, each with a number, a text and a token, and one to insert into.
    func prepare(_ loop: any EventLoop) async throws {
        try await connected(loop) { connection in
            for statement in [
                "CREATE TABLE bench_rows (id INT NOT NULL PRIMARY KEY, token NVARCHAR(60) NOT NULL, number BIGINT NOT NULL)",
                "CREATE TABLE bench_inserts (token NVARCHAR(60) NOT NULL, number BIGINT NOT NULL)", "BEGIN TRANSACTION",
            ] {
                _ = try await connection.query(statement, timeout: .seconds(60))
            }
            for number in 0..<count {
                _ = try await connection.query(
                    "INSERT INTO bench_rows (id, token, number) VALUES (@p1, @p2, @p3)",
                    parameters: [
                        TDSParameter("p1", .int(Int32(number))), TDSParameter("p2", .string("the token of row number \(number)")),
                        TDSParameter("p3", .bigInt(Int64(number) << 32)),
                    ], timeout: .seconds(60))
            }
            _ = try await connection.query("COMMIT", timeout: .seconds(60))
        }
    }

    /// Reads the rows, `count` of them, with all of their values, as the ledger reads its own back.
    func rows(_ loop: any EventLoop) async throws {
        struct Sum {
            var rows = 0
            var values: Int64 = 0
        }
        try await connected(loop) { connection in
            func read() async throws {
                var sum = Sum()
                while sum.rows < count {
                    sum = try await connection.fold(
                        rowsOf: "SELECT id, token, number FROM bench_rows", timeout: .seconds(60), into: sum
                    ) { sum, row in
                        let (id, token, number) = (try row.integer(), try row.text(), try row.integer())
                        guard let id, let token, let number else { throw BenchError("a value is missing") }
                        sum.rows += 1
                        sum.values &+= id &+ Int64(token.utf8.count) &+ number
                    }
                }
                guard sum.values != 0 else { throw BenchError("other rows than those that were made") }
            }
            try await Meter.measureWhole(count, warmUp: read, read)
        }
    }

    /// Inserts rows one by one, as a writer of the ledger does.
    func inserts(_ loop: any EventLoop) async throws {
        let insert = TDSStatement(
            "INSERT INTO bench_inserts (token, number) VALUES (@p1, @p2)", [("p1", .nVarChar(4000)), ("p2", .bigInt)])
        try await connected(loop) { connection in
            try await Meter.measure(count) { number in
                let result = try await connection.query(
                    insert, [.string("bench-insert-\(number)"), .bigInt(Int64(number))], timeout: .seconds(5))
                guard result.rowCounts == [1] else { throw BenchError("a row was not inserted") }
            }
        }
    }
}
