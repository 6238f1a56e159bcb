import Experiment
import Journal
import Verdict

/// The template's data of one repeat.
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

    struct LedgerRow {
        var name: String
        var value: String
        var meaning: String
        var isBad: Bool
    }

    struct DamagedCell {
        var name: String
        var kind: String
        var sent: String
        var answered: String
    }

    var id: String
    var number: Int
    var verdict: String
    var verdictText: String
    var isOpen: Bool
    /// Is `true` if the page renders its details only when it is opened.
    var isLate: Bool
    var line: String
    var remarks: [String]
    var timeline: String?
    var tracks: [TrackRow]
    var hasTracks: Bool
    var judgedTrack: String
    var phases: [PhaseCell]
    var hasPhases: Bool
    var phasesSum: String
    var ledgerNote: String?
    var ledger: [LedgerRow]
    var damaged: [DamagedCell]
    var hasDamaged: Bool
    var damagedNote: String
    var ledgerRows: [String]
    var infrastructure: [HTMLRow]
    var nodeLoss: [String]
    var hasNodeLoss: Bool
    var undo: [HTMLRow]
    var hasUndo: Bool
    var events: [HTMLRow]
    var hasEvents: Bool
    var eventsNote: String?

    private static let shownEvents = 400

    init(_ found: RepeatFindings, id: String, isOpen: Bool, isLate: Bool) {
        self.id = id
        number = found.number
        verdict = found.verdict.rawValue
        verdictText = found.verdict.rawValue.uppercased()
        self.isOpen = isOpen
        self.isLate = isLate
        line = (found.doubts.first?.sentence ?? found.judgement(.downtime)?.message ?? "").plain
        remarks = (found.faultSummary.map { ["The fault: \($0)"] } ?? []).map(\.plain) + found.remarks.map(\.plain)
        timeline = found.tracks.isEmpty ? nil : TimelineFigure(found).html("repeat \(found.number)")
        tracks = found.tracks.map(TrackRow.init)
        hasTracks = !tracks.isEmpty
        judgedTrack = found.judgedTrack?.rawValue ?? ""
        phases = Self.phases(found.phases)
        hasPhases = !phases.isEmpty
        phasesSum = found.phases.reduce(.zero) { $0 + $1.duration }.textRoundedUp
        ledgerNote =
            found.ledger == nil ? "The rows were not read back: \(found.ledgerUnchecked ?? "the run did not get that far")".plain : nil
        ledger = Self.ledger(found)
        let origin = found.faultBegan ?? found.started
        damaged = found.damagedRows.map { DamagedCell($0, origin) }
        hasDamaged = !damaged.isEmpty
        damagedNote =
            "Times are from the fault. \(counted(damaged.count, "row is", "rows are")) named\(damaged.count >= LedgerChecked.exampleLimit ? ", the first of them" : "")"
        ledgerRows =
            found.judgement(.dataPersistence)?.outcome == .failed ? (found.judgement(.dataPersistence)?.details ?? []).map(\.plain) : []
        infrastructure = Self.infrastructure(found)
        nodeLoss = (found.nodeLoss?.sentences ?? []).map(\.plain)
        hasNodeLoss = !nodeLoss.isEmpty
        undo = found.undo.map { HTMLRow($0.summary, $0.proven.map { $0 ? "yes" : "NO" } ?? "never answered", $0.evidence ?? "") }
        hasUndo = !undo.isEmpty
        events = found.observations.prefix(Self.shownEvents).map { seen in
            let at = ((seen.at - origin).seconds * 1000).rounded() / 1000
            let detail = [seen.observation.node, seen.observation.detail].compactMap { $0 }.joined(separator: ", ")
            return HTMLRow("\(at) s", "\(seen.observation.kind.rawValue) \(seen.observation.object)", detail)
        }
        hasEvents = !events.isEmpty
        let more = found.observations.count - events.count
        eventsNote = more > 0 ? "\(more) more are in the journal" : nil
    }

    /// The phases, rounded at their ends, so that the shown values also add up.
    private static func phases(_ phases: [Phase]) -> [PhaseCell] {
        var end = Duration.zero
        return phases.map { phase in
            let from = end.roundedUpToMilliseconds
            end += phase.duration
            return PhaseCell(name: phase.name.title, time: (end.roundedUpToMilliseconds - from).textRoundedUp)
        }
    }

    private static func ledger(_ found: RepeatFindings) -> [LedgerRow] {
        func row(_ name: String, _ value: Int64, _ meaning: String, isDamage: Bool = false) -> LedgerRow {
            LedgerRow(name: name, value: value.grouped, meaning: meaning, isBad: isDamage && value > 0)
        }
        let writes = found.writes
        let ledger = found.ledger
        let sent = [
            row("attempted", ledger?.attempted ?? Int64(writes.attempted), "writes that were sent, or could not be"),
            row("acknowledged", ledger?.acknowledged ?? Int64(writes.acknowledged), "the server said that they are committed"),
            row("refused", ledger?.refused ?? Int64(writes.refused), "the server said that they are not, or they were never sent"),
            row("unanswered", ledger?.unknown ?? Int64(writes.unknown), "neither: the answer did not come"),
        ]
        guard let ledger else { return sent }
        return sent + [
            row("unanswered, there", ledger.unknownPresent, "turned out to be committed"),
            row("unanswered, not there", ledger.unknownAbsent, "turned out not to be"),
            row("unanswered, overwritten", ledger.unknownOverwritten, "a later update hides their outcome"),
            row("baseline", ledger.seeded, "rows from before the fault that had to survive"),
            row("kept", ledger.kept, "acknowledged or baseline, there once, with the right content"),
            row("lost", ledger.lost, "acknowledged or baseline, and gone", isDamage: true),
            row("corrupt", ledger.corrupt, "there with another content than was sent", isDamage: true),
            row("duplicate", ledger.duplicate, "there more than once", isDamage: true),
            row("unexpected", ledger.unexpected, "there though never sent, or refused", isDamage: true),
            row("stale", ledger.stale, "registers behind their last acknowledged value", isDamage: true),
        ]
            + (ledger.transfers.map { transfers in
                [
                    row("transfers", transfers.acknowledged, "transactions of several statements whose commit was acknowledged"),
                    row("transfers, commit unanswered", transfers.unknown, "there whole or not at all, or they are torn"),
                    row("torn", transfers.torn, "transfers of which a part is there and a part is not", isDamage: true),
                ]
            } ?? [])
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
            row("pod") { $0.servingPod.map { "\($0.name), \(counted($0.restartCount, "restart"))" } ?? "none ready" },
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

extension HTMLRepeat.DamagedCell {
    fileprivate init(_ row: DamagedRow, _ origin: RunTime) {
        func text(_ time: RunTime?) -> String { time.map { TimeAxis.label(($0 - origin).milliseconds) } ?? "-" }
        self.init(
            name: row.identity.writer < 0 ? "baseline/\(row.identity.sequence)" : "\(row.identity.writer)/\(row.identity.sequence)",
            kind: row.kind.rawValue, sent: text(row.started), answered: text(row.done))
    }
}
