import Journal
import Testing

@testable import Probe

@Suite struct ClientOperationsTests {
    private func result(_ texts: [(String, since: Int, now: Int)]) throws -> [ProbeResult] {
        var operations = ClientOperations(timeout: .seconds(1))
        return try texts.compactMap { try operations.take(ClientLine(Array($0.0.utf8)), since: .ms($0.since), now: .ms($0.now)) }
    }

    @Test func anOperationIsTimedFromTheLastLookBeforeItsStartToTheReadingOfItsEnd() throws {
        let results = try result([("start a", 90, 105), ("start b", 106, 108), ("failed b no connection", 190, 199), ("ok a", 200, 210)])
        #expect(results.map(\.slot) == [1, 0])
        #expect(results.map(\.started) == [.ms(106), .ms(90)])
        #expect(results.map(\.done) == [.ms(199), .ms(210)])
        #expect(results[0].failure == Failure(phase: "operation", kind: "failed", message: "no connection"))
        #expect(results[1].failure == nil)
    }

    @Test func anOperationWithoutAnEndHasFailedAtItsDeadlineAndItsLateEndSaysNothing() throws {
        var operations = ClientOperations(timeout: .seconds(1))
        _ = try operations.take(.start("a"), since: .ms(0), now: .ms(10))
        #expect(operations.expire(empty: .ms(1009)).isEmpty)
        let expired = operations.expire(empty: .ms(1011))
        #expect(expired.map(\.done) == [.ms(1011)])
        #expect(expired.first?.failure?.kind == "timeout")
        #expect(try operations.take(.succeeded("a"), since: .ms(5000), now: .ms(5001)) == nil)
        // It has ended now, so that the name is free again.
        #expect(try operations.take(.start("a"), since: .ms(6000), now: .ms(6001)) == nil)
    }

    @Test(arguments: [
        "", "start", "start ", "start a b", "ok", "ok a b", "failed a", "failed a ", "Start a", "start\ta", "start ä", " start a",
        "start a\r",
        "starting up", "start \(String(repeating: "a", count: 65))",
    ])
    func whatIsNotOfTheProtocolBreaksIt(_ line: String) {
        #expect(throws: ClientProtocolError.self) { try ClientLine(Array(line.utf8)) }
    }

    @Test func bytesThatAreNoTextBreakIt() {
        #expect(throws: ClientProtocolError.self) { try ClientLine([0x73, 0xff]) }
    }

    @Test(arguments: [["ok a"], ["start a", "start a"], ["start a", "ok a", "ok a"], ["failed b why"]])
    func anOrderThatMakesNoSenseBreaksIt(_ lines: [String]) {
        #expect(throws: ClientProtocolError.self) { try result(lines.map { ($0, 0, 1) }) }
    }

    @Test func aProgramThatStartsTooMuchBreaksIt() {
        let flood = (0...ClientOperations.mostInSecond).map { ("start \($0)", since: 0, now: 1) }
        #expect(throws: ClientProtocolError.self) { try result(flood) }
        let piled = (0...ClientOperations.mostUnderWay).map { ("start \($0)", since: $0 * 10, now: $0 * 10) }
        #expect(throws: ClientProtocolError.self) { try result(piled) }
    }

    @Test func aLineThatComesInPartsCountsFromItsFirst() throws {
        var lines = ClientLines()
        #expect(try lines.take(Array("sta".utf8), since: .ms(1)).isEmpty)
        let found = try lines.take(Array("rt a\nok a\n".utf8), since: .ms(9))
        #expect(found.map(\.since) == [.ms(1), .ms(9)])
        #expect(throws: ClientProtocolError.self) { try lines.take(Array(repeating: 0x61, count: 2000), since: .ms(10)) }
    }
}

extension RunTime {
    fileprivate static func ms(_ milliseconds: Int) -> RunTime { RunTime(nanoseconds: Int64(milliseconds) * 1_000_000) }
}
