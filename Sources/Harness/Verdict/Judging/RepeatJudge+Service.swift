import Experiment
import Journal

/// The checks of the clients' experience: the fault's effect, the recovery and the downtime.
extension RepeatJudge {
    func judgeEffect(_ doubts: [Doubt]) -> Judgement {
        if let doubt = doubts.first(where: { $0.kind.check == .faultTookEffect }) { return .undecided(doubt) }
        if let doubt = doubts.first(where: \.kind.voidsMeasurement) {
            return .skipped(.faultTookEffect, "not evaluated: \(doubt.sentence)")
        }
        guard !isControl else { return .skipped(.faultTookEffect, "the control experiment injects nothing") }
        guard let effect = facts.effect?.effect else { return .skipped(.faultTookEffect, "not evaluated") }
        return .passed(.faultTookEffect, effect.evidence.first ?? "proven", details: Array(effect.evidence.dropFirst()))
    }

    func judgeRecovery() -> Judgement? {
        guard let experiment else { return nil }
        let open = serviceTracks.filter { $0.outages.last?.isOpen == true }
        let names = open.map(\.track.rawValue).joined(separator: ", ")
        if facts.end?.how == .gaveUp || !open.isEmpty {
            let least = open.map(\.downtime.lower).max().map { ", out for at least \($0.textRoundedDown)" } ?? ""
            let reason = facts.end?.reason.map { ": \($0)" } ?? ""
            let which = names.isEmpty ? reason : " (\(names))\(reason)"
            return .failed(
                .recovery, type: "recovery",
                "not recovered within \(experiment.giveUpAfter.text) after the fault\(which)\(least)", details: outageLines())
        }
        guard let stable = serviceTracks.compactMap(\.timeToStable).max() else { return nil }
        let slowest = serviceTracks.first { $0.timeToStable == stable }?.track.rawValue ?? ""
        let measured = stable == .zero ? "no outage was seen" : "recovered \(stable.textRoundedUp) after the fault (\(slowest) track)"
        guard let limit = limits.recoveredWithin ?? experiment.expect.recoveredWithin else {
            return .passed(.recovery, "\(measured); no limit is set", details: outageLines())
        }
        let message = "\(measured), allowed \(limit.text)"
        return stable > limit
            ? .failed(.recovery, type: "recovery", message, details: outageLines()) : .passed(.recovery, message, details: outageLines())
    }

    /// Judges the service, and the experiment's own client if something is promised of it.
    func judgeDowntime() -> Judgement? {
        guard let service = judgeServiceDowntime() else { return nil }
        guard let client = judgeClientDowntime() else { return service }
        guard service.outcome == .passed else { return service }
        var judgement = client
        judgement.message = client.outcome == .passed ? "\(service.message); \(client.message)" : client.message
        return judgement
    }

    /// `nil` if nothing is promised of a client, or the repeat ended while it was down.
    private func judgeClientDowntime() -> Judgement? {
        guard let limit = experiment?.expect.maxClientDowntime, let track = tracks.first(where: { $0.track == .client }) else { return nil }
        let measured = track.downtime.count == 0 ? "no outage" : track.downtime.measured
        let message = "the client: \(measured), allowed \(limit.text)"
        let isCutOff = unfinished != nil || facts.end?.how == .aborted
        if track.downtime.isOpen, isCutOff, track.downtime.lower <= limit { return nil }
        guard let upper = track.downtime.upper, upper <= limit else {
            return .failed(.downtime, type: "downtime", message, details: outageLines())
        }
        return .passed(.downtime, message, details: outageLines())
    }

    private func judgeServiceDowntime() -> Judgement? {
        guard let experiment, !tracks.isEmpty else { return nil }
        let limit = isControl ? .zero : limits.maxDowntime ?? experiment.expect.maxDowntime
        let worst = judgedTrack.flatMap { name in tracks.first { $0.track == name } }
        guard let worst else {
            let resolution = serviceTracks.map(\.resolution).max() ?? .zero
            let unseen = "none longer than \(resolution.textRoundedUp) can have been overlooked"
            return .passed(.downtime, "no outage on any track; \(unseen)")
        }
        let downtime = worst.downtime
        let interval = Duration.nanoseconds(worst.schedule.interval).text
        let how = "\(worst.track.rawValue) track, every \(interval), \(counted(downtime.count, "outage"))"
        let measured = downtime.measured
        let found = facts.debt?.sentence.map { ", \($0)" } ?? ""
        let details = outageLines() + DatabaseRecovery.all(in: facts).map(\.sentence)
        guard let limit else { return .passed(.downtime, "\(measured)\(found) (\(how)); no limit is set", details: details) }
        let allowed = isControl ? "allowed 0 s: nothing was injected" : "allowed \(limit.text)"
        let message = "\(measured)\(found), \(allowed) (\(how))"
        // An outage that was open at the end of an unfinished repeat can exceed the limit only by its lower bound.
        let isCutOff = unfinished != nil || facts.end?.how == .aborted
        if downtime.isOpen, isCutOff, downtime.lower <= limit { return nil }
        guard let upper = downtime.upper, upper <= limit else {
            return .failed(.downtime, type: "downtime", message, details: details)
        }
        return .passed(.downtime, message, details: details)
    }

    /// Every outage of every track, for the body of a report.
    private func outageLines() -> [String] {
        tracks.flatMap { track in
            track.outages.map { outage in
                let upper = outage.upper.map { "at most \($0.textRoundedUp)" } ?? "end not seen"
                let from = (outage.firstFailureStarted - (facts.faultBegan ?? facts.started)).seconds
                let at = "\(from < 0 ? "-" : "+")\(Duration.seconds(abs(from)).textRoundedDown)"
                let causes = outage.causes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) x\($0.value)" }
                let length = "at least \(outage.lower.textRoundedDown), \(upper)"
                return
                    "\(track.track.rawValue): from \(at), \(length), \(counted(outage.failures, "failure")): \(causes.joined(separator: ", "))"
            }
        }
    }
}

extension Downtime {
    /// Both bounds in words.
    var measured: String {
        guard let upper else { return "down for at least \(lower.textRoundedDown), its end was not seen" }
        return "down for at most \(upper.textRoundedUp), at least \(lower.textRoundedDown)"
    }
}
