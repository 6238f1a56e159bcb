import Experiment
import Journal
import Verdict

/// One repeat, as the template takes it.
struct HTMLRepeat {
    struct TrackRow {
        var name: String
        var count: Int
        var lower: String
        var upper: String
        var stable: String
        var resolution: String
        var probes: Int
        var failed: Int
        var skipped: Int
        var p50: String
        var p99: String
        var slowest: String
    }

    struct PhaseCell {
        var name: String
        var time: String
    }

    struct Picture {
        var name: String
        var svg: String
    }

    var number: Int
    var verdict: String
    var verdictText: String
    var isOpen: Bool
    var line: String
    var remarks: [String]
    var timeline: String?
    var tracks: [TrackRow]
    var hasTracks: Bool
    var judgedTrack: String
    var phasesChart: String?
    var phases: [PhaseCell]
    var phasesSum: String
    var ledgerNote: String?
    var ledger: [HTMLCell]
    var ledgerRows: [String]
    var infrastructure: [HTMLRow]
    var nodeLoss: [String]
    var hasNodeLoss: Bool
    var undo: [HTMLRow]
    var hasUndo: Bool
    var latencies: [Picture]
    var hasLatencies: Bool
    var events: [HTMLRow]
    var hasEvents: Bool

    init(_ found: RepeatFindings, isOpen: Bool) {
        number = found.number
        verdict = found.verdict.rawValue
        verdictText = found.verdict.rawValue.uppercased()
        self.isOpen = isOpen
        line = (found.doubts.first?.sentence ?? found.judgement(.downtime)?.message ?? "").plain
        remarks = found.remarks.map(\.plain)
        timeline = found.tracks.isEmpty ? nil : TimelineChart(found: found).svg.text
        tracks = found.tracks.map(TrackRow.init)
        hasTracks = !tracks.isEmpty
        judgedTrack = found.judgedTrack?.rawValue ?? ""
        phasesChart = PhasesChart(found: found).svg?.text
        phases = Self.phases(found.phases)
        phasesSum = found.phases.reduce(.zero) { $0 + $1.duration }.textRoundedUp
        ledgerNote =
            found.ledger == nil ? "The rows were not read back: \(found.ledgerUnchecked ?? "the run did not get that far")".plain : nil
        ledger = Self.ledger(found)
        ledgerRows =
            found.judgement(.dataPersistence)?.outcome == .failed ? (found.judgement(.dataPersistence)?.details ?? []).map(\.plain) : []
        infrastructure = Self.infrastructure(found)
        nodeLoss = (found.nodeLoss?.sentences ?? []).map(\.plain)
        hasNodeLoss = !nodeLoss.isEmpty
        undo = found.undo.map { HTMLRow($0.summary, $0.proven.map { $0 ? "yes" : "NO" } ?? "never answered", $0.evidence ?? "") }
        hasUndo = !undo.isEmpty
        let origin = found.faultBegan ?? found.started
        latencies = found.tracks.compactMap { track in
            LatencyChart(track: track, origin: origin).svg.map { Picture(name: track.track.rawValue, svg: $0.text) }
        }
        hasLatencies = !latencies.isEmpty
        events = found.observations.suffix(200).map { seen in
            let at = ((seen.at - origin).seconds * 1000).rounded() / 1000
            let detail = [seen.observation.node, seen.observation.detail].compactMap { $0 }.joined(separator: ", ")
            return HTMLRow("\(at) s", "\(seen.observation.kind.rawValue) \(seen.observation.object)", detail)
        }
        hasEvents = !events.isEmpty
    }

    /// Rounded at their ends, so that what is shown adds up as well.
    private static func phases(_ phases: [Phase]) -> [PhaseCell] {
        var end = Duration.zero
        return phases.map { phase in
            let from = end.roundedUpToMilliseconds
            end += phase.duration
            return PhaseCell(name: phase.name.title, time: (end.roundedUpToMilliseconds - from).textRoundedUp)
        }
    }

    private static func ledger(_ found: RepeatFindings) -> [HTMLCell] {
        let writes = found.writes
        guard let ledger = found.ledger else {
            return [
                HTMLCell(name: "attempted", value: String(writes.attempted)),
                HTMLCell(name: "acknowledged", value: String(writes.acknowledged)),
                HTMLCell(name: "refused", value: String(writes.refused)), HTMLCell(name: "unknown", value: String(writes.unknown)),
            ]
        }
        let counts: [(String, Int64)] = [
            ("attempted", ledger.attempted), ("acknowledged", ledger.acknowledged), ("refused", ledger.refused),
            ("unanswered", ledger.unknown), ("there", ledger.unknownPresent), ("not there", ledger.unknownAbsent),
            ("overwritten", ledger.unknownOverwritten),
            ("baseline", ledger.seeded), ("kept", ledger.kept), ("lost", ledger.lost), ("corrupt", ledger.corrupt),
            ("duplicate", ledger.duplicate), ("unexpected", ledger.unexpected), ("stale", ledger.stale),
        ]
        return counts.map { HTMLCell(name: $0.0, value: String($0.1)) }
    }

    private static func infrastructure(_ found: RepeatFindings) -> [HTMLRow] {
        func row(_ name: String, _ value: (Snapshot) -> String) -> HTMLRow {
            HTMLRow(name, found.before.map(value) ?? "not seen", found.after.map(value) ?? "not seen")
        }
        return [
            HTMLRow("probed address", found.address ?? "not seen"),
            row("cluster IP") { $0.service.clusterIP },
            row("load balancer") { $0.service.ingress.isEmpty ? "none" : $0.service.ingress.joined(separator: ", ") },
            row("volume") { snapshot in snapshot.volumes.map { "\($0.claim): \($0.volume) (\($0.handle))" }.joined(separator: ", ") },
            row("pod") { $0.servingPod.map { "\($0.name), \($0.restartCount) restarts" } ?? "none ready" },
            row("node") { $0.servingPod?.node ?? "none" },
            row("replicas") { "\($0.readyReplicas) of \($0.desiredReplicas) ready" },
        ]
    }
}

extension HTMLRepeat.TrackRow {
    fileprivate init(_ track: TrackFindings) {
        func milliseconds(_ duration: Duration?) -> String {
            duration.map { "\(($0.milliseconds * 10).rounded() / 10) ms" } ?? "-"
        }
        self.init(
            name: track.track.rawValue,
            count: track.downtime.count,
            lower: track.downtime.count == 0 ? "0" : track.downtime.lower.textRoundedDown,
            upper: track.downtime.count == 0 ? "0" : track.downtime.upper?.textRoundedUp ?? "not seen",
            stable: track.timeToStable?.textRoundedUp ?? "never",
            resolution: milliseconds(track.resolution),
            probes: track.results,
            failed: track.results - track.succeeded,
            skipped: track.skipped.values.reduce(0, +),
            p50: milliseconds(track.latency?.median),
            p99: milliseconds(track.latency?.p99),
            slowest: milliseconds(track.latency?.maximum))
    }
}
