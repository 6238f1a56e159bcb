import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

/// The control experiment: nothing is injected, so nothing may be felt.
@Suite struct ControlTests {
    private var control: Script {
        var script = Script()
        script.name = "control"
        script.fault = "none: {duration: 5s}"
        script.faultKind = "none"
        script.expect = "downtime: {max: 10s}"
        script.outs = []
        script.drop { event in
            switch event {
            case .faultInjected, .faultEffect: true
            default: false
            }
        }
        return script
    }

    @Test func nothingFeltPasses() {
        let findings = control.findings()
        #expect(findings.verdict == .pass, "\(findings.experiments.map(\.judgements))")
        let experiment = findings.experiments.first
        #expect(experiment?.judgement(.faultTookEffect)?.outcome == .skipped)
        #expect(experiment?.judgement(.downtime)?.outcome == .passed)
        for track in experiment?.repeats.first?.tracks ?? [] {
            #expect(track.downtime == Downtime())
            // 50 ms from probe to probe, and one answer.
            #expect(track.resolution <= .milliseconds(53))
        }
    }

    /// On a busy machine the last writes take their time after the probes have ended; none was promised then.
    @Test func whatComesAfterTheClosingSnapshotIsNoMissingProbe() {
        var script = control
        script.change { record in
            switch record.event {
            case .stageEntered(let entered) where entered.stage == .settling: record.at = .ms(40_000)
            case .ledgerChecked, .repeatEnded, .runEnded: record.at = .ms(40_100)
            default: break
            }
        }
        let findings = script.findings()
        #expect(findings.verdict == .pass, "\(findings.experiments.flatMap(\.repeats).flatMap(\.doubts))")
    }

    @Test func oneFailedProbeIsAnOutage() {
        var script = control
        script.outs = [.init(from: 12_000, to: 12_001, tracks: [.session])]
        let findings = script.findings()
        #expect(findings.verdict == .fail)
        #expect(findings.experiments.first?.judgement(.downtime)?.message.contains("allowed 0 s: nothing was injected") == true)
    }

    @Test func failuresBeforeTheSteadyStateAreNoDowntime() {
        var script = control
        script.outs = [.init(from: 0, to: 2000)]
        let findings = script.findings()
        #expect(findings.verdict == .pass, "\(findings.experiments.map(\.judgements))")
        #expect(findings.experiments.first?.repeats.first?.tracks.first?.outagesWhileSteadying.count == 1)
    }
}
