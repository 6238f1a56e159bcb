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

    /// Reads the rows, `count` of them, with all of their values.
    func rows(_ loop: any EventLoop) async throws {
        try await connected(loop) { connection in
            func read() async throws -> Int {
                var sum = 0
                var seen = 0
                while seen < count {
                    let rows = try await connection.stream("SELECT id, token, number FROM bench_rows", timeout: .seconds(60))
                    for try await row in rows {
                        let values = try row.values()
                        seen += 1
                        sum &+= Int(truncatingIfNeeded: values[0].integer ?? 0) &+ (values[1].string?.utf8.count ?? 0)
                    }
                }
                return sum
            }
            try await Meter.measureWhole(count, warmUp: { _ = try await read() }) { _ = try await read() }
        }
    }

    func inserts(_ loop: any EventLoop) async throws {
        try await connected(loop) { connection in
            try await Meter.measure(count) { number in
                let result = try await connection.query(
                    "INSERT INTO bench_inserts (token, number) VALUES (@p1, @p2)",
                    parameters: [TDSParameter("p1", .string("bench-insert-\(number)")), TDSParameter("p2", .bigInt(Int64(number)))],
                    timeout: .seconds(5))
                guard result.rowCounts == [1] else { throw BenchError("a row was not inserted") }
            }
        }
    }
}
