import NIOCore
import Testing

@testable import TDS

/// Requests on a connection to a scripted server.
@Suite struct RequestTests {
    @Test func collectsResultSetsCountsAndRemarks() async throws {
        var script = Script()
        let empty = TDSColumns([TDSColumn("nothing", .int)])
        script.answer = { _ in
            .tokens([
                .columnMetadata(empty), .done(TDSDone(status: [.more, .count], rowCount: 0)),
                .info(TDSServerMessage(number: 0, class: 0, text: "printed")),
                .done(TDSDone(.inProcedure, status: [.more, .count], rowCount: 7)), .returnStatus(3),
                .returnValue(TDSReturnValue(ordinal: 0, name: "@out", typeInfo: .int, value: .int(9))),
                .done(TDSDone(.procedure)),
            ])
        }
        try await withConnection(script) { connection in
            let result = try await connection.query("batch", timeout: .seconds(60))
            // An empty set is a set (tiberius#380).
            #expect(result.resultSets.count == 1)
            #expect(result.resultSets[0].rows.isEmpty)
            #expect(result.rowCounts == [0, 7])
            #expect(result.infos.map(\.text) == ["printed"])
            #expect(result.returnStatus == 3)
            #expect(result.returnValues.map(\.value) == [.int(9)])
        }
    }

    @Test func parametersAreDeclared() async throws {
        var script = Script()
        script.answer = { sql in .tokens([.info(TDSServerMessage(number: 0, class: 0, text: sql)), .done(TDSDone(.procedure))]) }
        try await withConnection(script) { connection in
            let result = try await connection.query(
                "insert t values (@a, @b, @c)",
                parameters: [
                    TDSParameter("a", .bigInt(5)), TDSParameter("b", .string("ü")), TDSParameter("c", .null, type: .varBinary(nil)),
                ],
                timeout: .seconds(60))
            #expect(result.infos[0].text == "insert t values (@a, @b, @c)|@a bigint,@b nvarchar(4000),@c varbinary(max)|bigInt(5)|ü|null")
        }
    }

    @Test func aStatementIsExecutedWithOneSetOfValuesAfterTheOther() async throws {
        var script = Script()
        script.answer = { sql in .tokens([.info(TDSServerMessage(number: 0, class: 0, text: sql)), .done(TDSDone(.procedure))]) }
        try await withConnection(script) { connection in
            let statement = TDSStatement("insert t values (@a, @b)", [("a", .bigInt), ("b", .nVarChar(10))])
            for (number, text) in [(1, "one"), (2, "zwei ü"), (3, "")] {
                let result = try await connection.query(statement, [.bigInt(Int64(number)), .string(text)], timeout: .seconds(60))
                #expect(result.infos[0].text == "insert t values (@a, @b)|@a bigint,@b nvarchar(10)|bigInt(\(number))|\(text)")
            }
            for values in [[], [.bigInt(1)], [.bigInt(1), .string("x"), .null], [.bigInt(1), .string("longer than ten")]] as [[TDSValue]] {
                let error = await #expect(throws: TDSError.self) {
                    try await connection.query(statement, values, timeout: .seconds(60))
                }
                #expect(error?.code == .request)
            }
            let undeclared = TDSStatement("x", [("a", TDSTypeInfo(.null))])
            let error = await #expect(throws: TDSError.self) { try await connection.query(undeclared, [.null], timeout: .seconds(60)) }
            #expect(error?.code == .request)
            #expect(connection.isOpen)
        }
    }

    @Test func aParameterThatDoesNotFitIsNotSent() async throws {
        try await withConnection { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.query("x", parameters: [TDSParameter("a", .string("long"), type: .nVarChar(2))], timeout: .seconds(60))
            }
            #expect(error?.code == .request)
            #expect(connection.isOpen)
        }
    }

    @Test func aLongBatchIsCutIntoPackets() async throws {
        var script = Script()
        script.answer = { sql in .tokens([.done(TDSDone(status: .count, rowCount: UInt64(sql.utf16.count)))]) }
        try await withConnection(script) { connection in
            let sql = String(repeating: "select 'ü';", count: 5000)
            let counts = try await connection.query(sql, timeout: .seconds(60)).rowCounts
            #expect(counts == [55000])
        }
    }

    @Test func anErrorLeavesTheConnectionUsable() async throws {
        let failure = TDSServerMessage(number: 208, state: 1, class: 16, text: "Invalid object name 'nothing'.", line: 1)
        var script = Script()
        script.answer = { sql in
            sql == "bad"
                ? .tokens([.error(failure), .done(TDSDone(status: .error))]) : .tokens([.done(TDSDone(status: .count, rowCount: 1))])
        }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.query("bad", timeout: .seconds(60)) }
            #expect(error?.code == .serverError)
            #expect(error?.phase == .query)
            #expect(error?.serverMessages == [failure])
            #expect(connection.isOpen)
            let counts = try await connection.query("good", timeout: .seconds(60)).rowCounts
            #expect(counts == [1])
        }
    }

    @Test func aServerThatClosesBehindAnErrorIsReportedByTheError() async throws {
        let fatal = TDSServerMessage(number: 9001, state: 1, class: 21, text: "The log is not available.")
        var script = Script()
        script.answer = { _ in .tokensThenClose([.error(fatal)]) }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.query("x", timeout: .seconds(60)) }
            #expect(error?.serverMessages == [fatal])
            #expect(!connection.isOpen)
            let next = await #expect(throws: TDSError.self) { try await connection.query("y", timeout: .seconds(60)) }
            #expect(next?.serverMessages == [fatal])
        }
    }

    @Test func aServerThatIsGone() async throws {
        var script = Script()
        script.misbehaviour = (.request, .reset)
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.query("x", timeout: .seconds(60)) }
            #expect(error?.code == .reset)
            #expect(error?.phase == .query)
        }
    }

    @Test(arguments: [Script.Answer.waitForAttention(isAcknowledged: true), .answerAtAttention])
    func aTimeoutIsAcknowledgedAndTheConnectionGoesOn(answer: Script.Answer) async throws {
        var script = Script()
        script.answer = { sql in sql == "slow" ? answer : .tokens([.done(TDSDone(status: .count, rowCount: 4))]) }
        try await withConnection(script) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.query("slow", timeout: .milliseconds(100)) }
            #expect(error?.code == .timeout)
            #expect(error?.attentionAcknowledged == true)
            #expect((error?.after ?? .zero) >= .milliseconds(100))
            // The next answer must be the next answer (tedious#1738).
            let counts = try await connection.query("quick", timeout: .seconds(60)).rowCounts
            #expect(counts == [4])
        }
    }

    @Test func anAttentionThatIsNotAcknowledgedEndsTheConnection() async throws {
        var script = Script()
        script.answer = { _ in .waitForAttention(isAcknowledged: false) }
        try await withConnection(script, attention: .milliseconds(100)) { connection in
            let error = await #expect(throws: TDSError.self) { try await connection.query("slow", timeout: .milliseconds(100)) }
            #expect(error?.code == .timeout)
            #expect(error?.attentionAcknowledged == false)
            #expect(!connection.isOpen)
        }
    }

    @Test func cancellingTheTaskCancelsTheStatement() async throws {
        var script = Script()
        script.answer = { sql in sql == "slow" ? .waitForAttention(isAcknowledged: true) : .tokens([.done(TDSDone())]) }
        try await withConnection(script) { connection in
            let task = Task { try await connection.query("slow", timeout: .seconds(60)) }
            task.cancel()
            let error = await #expect(throws: TDSError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            _ = try await connection.query("quick", timeout: .seconds(60))
        }
    }

    @Test func oneRequestAtATime() async throws {
        var script = Script()
        script.answer = { _ in .waitForAttention(isAcknowledged: true) }
        try await withConnection(script) { connection in
            // The first to come holds the connection until its deadline.
            let codes = await withTaskGroup(of: TDSError.Code?.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do throws(TDSError) {
                            _ = try await connection.query("slow", timeout: .milliseconds(500))
                            return nil
                        } catch {
                            return error.code
                        }
                    }
                }
                return await group.reduce(into: Set<TDSError.Code?>()) { $0.insert($1) }
            }
            #expect(codes == [.timeout, .busy])
        }
    }

    @Test func closingFailsTheRequestUnderWay() async throws {
        var script = Script()
        script.answer = { _ in .waitForAttention(isAcknowledged: true) }
        try await withConnection(script) { connection in
            let task = Task { try await connection.query("slow", timeout: .seconds(60)) }
            // The close may overtake the query or not; the query ends with it.
            await connection.close()
            let error = await #expect(throws: TDSError.self) { try await task.value }
            #expect(error?.code == .closed)
            #expect(!connection.isOpen)
        }
    }
}
