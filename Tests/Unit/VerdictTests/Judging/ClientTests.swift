import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct ClientTests {
    /// The service is out from 10 s to 12 s, its client until `back`.
    private func script(back: Int, expecting limit: String? = nil) -> Script {
        var script = Script()
        script.tracks = Track.allCases
        script.end = 30_000
        script.outs = [
            .init(from: 10_000, to: 12_000),
            .init(from: 10_000, to: back, tracks: [.client], failure: Failure(phase: "operation", kind: "failed")),
        ]
        if let limit { script.expect += ", client: {downtime: {max: \(limit)}}" }
        return script
    }

    private func only(_ script: Script) throws -> RepeatFindings {
        var script = script
        script.probes = "client: {command: [client]}"
        return try #require(script.findings().experiments.first?.repeats.first)
    }

    @Test func aClientThatIsDeadForLongerIsSaidAndNotJudgedWithoutAPromise() throws {
        let found = try only(script(back: 18_000))
        #expect(found.verdict == .pass, "\(found.doubts) \(found.judgements)")
        #expect(found.judgedTrack != .client)
        let client = try #require(found.track(.client)?.downtime)
        #expect(client.lower > .seconds(7) && client.upper.map { $0 < .seconds(9) } == true)
        #expect(found.remarks.contains { $0.contains("stayed dead for at least 5.") }, "\(found.remarks)")
    }

    @Test func aPromiseAboutItIsKeptOrBroken() throws {
        #expect(try only(script(back: 18_000, expecting: "9s")).judgement(.downtime)?.outcome == .passed)
        let broken = try #require(try only(script(back: 18_000, expecting: "6s")).judgement(.downtime))
        #expect(broken.outcome == .failed && broken.message.hasPrefix("the client: down for at most 8."), "\(broken.message)")
    }

    @Test func oneThatNeverComesBackBreaksItsPromiseAndNotTheRecovery() throws {
        let found = try only(script(back: 40_000, expecting: "20s"))
        #expect(found.judgement(.downtime)?.outcome == .failed)
        #expect(found.judgement(.recovery)?.outcome == .passed)
        #expect(found.remarks.contains { $0.contains("its client was still dead when the run ended") }, "\(found.remarks)")
    }

    @Test(arguments: [ClientFailed.Kind.brokeProtocol, .ended, .notStarted]) func oneThatCannotBeBelievedIsNoPass(_ kind: ClientFailed.Kind)
        throws
    {
        var script = script(back: 12_000)
        let record = script.record(20_000, .clientFailed(ClientFailed(kind: kind, message: "a line is not part of the protocol: 'hello'")))
        script.more = [record]
        let found = try only(script)
        #expect(found.verdict == .invalid)
        #expect(found.doubts.contains { $0.kind == .clientFailed && $0.sentence.contains("hello") }, "\(found.doubts)")
    }

    /// It is not told as a service that was not well.
    @Test func oneThatIsGoneBeforeTheFaultIsTheOneReason() throws {
        var script = script(back: 12_000)
        let gone = script.record(3000, .clientFailed(ClientFailed(kind: .ended, message: "it closed its output")))
        script.drop { event in
            switch event {
            case .stageEntered(let entered): ![.preparing, .steadying].contains(entered.stage)
            case .faultBegun, .faultInjected, .faultEffect: true
            default: false
            }
        }
        script.more = [gone]
        let found = try only(script)
        #expect(found.verdict == .invalid)
        #expect(found.doubts.map(\.kind) == [.clientFailedEarly], "\(found.doubts)")
        #expect(found.doubts.first?.sentence.contains("it closed its output") == true)
        #expect(found.judgements.allSatisfy { $0.outcome != .passed || $0.check == .restore }, "\(found.judgements)")
    }

    @Test func oneThatFallsSilentIsNoPass() throws {
        var script = script(back: 12_000)
        script.edit = { record in
            if case .probe(let probe) = record.event, probe.track == .client, record.at > .ms(18_000) { return nil }
            return record
        }
        #expect(try only(script).doubts.contains { $0.sentence.contains("client track") })
    }
}
