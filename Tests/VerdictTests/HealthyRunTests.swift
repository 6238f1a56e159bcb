import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct HealthyRunTests {
    @Test func aRepairedFaultWithinTheLimitsPasses() throws {
        let findings = Script().findings()
        let experiment = try #require(findings.experiments.first)
        #expect(experiment.doubts == [])
        #expect(experiment.repeats.first?.doubts == [])
        #expect(experiment.judgements.map(\.outcome) == Check.allCases.map { _ in .passed }, "\(experiment.judgements)")
        #expect(findings.verdict == .pass)
        #expect(findings.exitCode == .pass)
    }
}
