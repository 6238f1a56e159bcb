import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct ShutdownTests {
    private func script(_ expected: String) -> Script {
        var script = Script()
        script.expect = "downtime: {max: 5s}, shutdown: \(expected)"
        return script
    }

    private func judged(_ script: Script) throws -> (judgement: Judgement, found: RepeatFindings, findings: Findings) {
        let findings = script.findings()
        let found = try #require(findings.experiments.first?.repeats.first)
        return (try #require(found.judgement(.shutdown)), found, findings)
    }

    @Test(arguments: [0, 143]) func aServerThatStopsByItselfIsClean(code: Int) throws {
        var script = script("clean")
        script.exitCode = code
        let (judgement, found, findings) = try judged(script)
        #expect(judgement.outcome == .passed)
        #expect(found.shutdown?.isClean == true)
        #expect(found.shutdown?.took == .milliseconds(680))
        #expect(found.shutdown?.gracePeriod == .seconds(30))
        #expect(judgement.message.contains("stopped by itself (exit code \(code))"))
        #expect(!found.remarks.contains { $0.contains("exit code") })
        #expect(findings.exitCode == .pass)
    }

    @Test(arguments: [137, 1]) func anyOtherEndBreaksThePromiseOfACleanOne(code: Int) throws {
        var script = script("clean")
        script.exitCode = code
        let (judgement, found, findings) = try judged(script)
        #expect(judgement.outcome == .failed)
        #expect(judgement.type == "verdict.shutdown")
        #expect(judgement.message.contains("exit code \(code)"))
        #expect(found.remarks.contains { $0.contains("exit code \(code)") })
        #expect(findings.exitCode == .failed)
    }

    @Test func itIsToldAndNotJudgedWhereNothingIsExpected() throws {
        var script = script("any")
        script.exitCode = 137
        let (judgement, found, findings) = try judged(script)
        #expect(judgement.outcome == .passed)
        #expect(judgement.message.contains("was killed"))
        #expect(found.shutdown?.isClean == false)
        #expect(findings.exitCode == .pass)
    }

    @Test func theEndOfTheGracePeriodIsNamed() throws {
        var script = script("clean")
        script.exitCode = 137
        script.gracePeriod = 1
        script.change { record in
            // Half a second later than the healthy server, so that the second is over.
            guard case .observation(let seen) = record.event, seen.kind == .containerTerminated || seen.kind == .podGone else { return }
            record.at = record.at + .milliseconds(500)
        }
        let (judgement, _, _) = try judged(script)
        #expect(judgement.message.contains("at the end of its grace period of 1.000 s"))
    }

    /// The share of the downtime is what both have in common: the server is out from the fault on, and ends 700 ms after it.
    @Test func theWaitsShareOfTheDowntimeIsTold() throws {
        var script = script("any")
        script.exitCode = 137
        let (_, found, _) = try judged(script)
        #expect(found.remarks.contains { $0.hasSuffix("0.680 s of the downtime are that wait") }, "\(found.remarks)")
    }

    @Test(arguments: [ClusterObservation.Kind.podTerminating, .containerTerminated])
    func whatWasNotSeenIsNoPass(kind: ClusterObservation.Kind) throws {
        for (expected, outcome) in [("clean", Judgement.Outcome.undecided), ("any", .skipped)] {
            var script = script(expected)
            script.drop { if case .observation(let seen) = $0 { seen.kind == kind } else { false } }
            let (judgement, _, findings) = try judged(script)
            #expect(judgement.outcome == outcome)
            #expect(findings.verdict == (expected == "clean" ? .invalid : .pass))
        }
    }

    /// A forced deletion leaves no time to stop: nobody can promise a clean end.
    @Test func aForcedDeletionIsNoShutdown() throws {
        var script = script("any")
        script.gracePeriod = 0
        let (judgement, found, _) = try judged(script)
        #expect(judgement.outcome == .skipped)
        #expect(!judgement.isApplicable)
        #expect(found.shutdown == nil)
    }

    /// The end of another container, or of an earlier instance, says nothing about the server.
    @Test func onlyTheServersOwnContainerCounts() throws {
        var script = script("clean")
        script.change { record in
            guard case .observation(var seen) = record.event, seen.kind == .containerTerminated else { return }
            seen.exit?.containerID = "another"
            record.event = .observation(seen)
        }
        let (judgement, _, _) = try judged(script)
        #expect(judgement.outcome == .undecided)
        #expect(judgement.type == "gate.shutdownNotSeen")
    }
}
