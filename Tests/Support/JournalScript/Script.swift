public import Journal
public import Verdict

/// A journal made by hand: a healthy run of one experiment, of which each test changes what it is about.
///
/// Times are milliseconds. Probes and writes follow their schedules and fail while the service is out.
public struct Script {
    /// A time in which the service is out, on some tracks, and how their probes fail.
    public struct Out {
        public var from: Int
        public var to: Int
        public var tracks: Set<Track> = Set(Track.ofService)
        public var failure = Failure(phase: "tcp", kind: "refused")
        /// Milliseconds until a probe that was started in it fails.
        public var failsAfter = 1

        public init(
            from: Int, to: Int, tracks: Set<Track> = Set(Track.ofService), failure: Failure = Failure(phase: "tcp", kind: "refused"),
            failsAfter: Int = 1
        ) {
            self.from = from
            self.to = to
            self.tracks = tracks
            self.failure = failure
            self.failsAfter = failsAfter
        }

        /// The failure as a probe records it: what timed out had been asked at the probe's start.
        fileprivate var recorded: Failure {
            var failure = failure
            if failure.kind == "timeout" { failure.unanswered = Int64(failsAfter) * 1_000_000 }
            return failure
        }
    }

    public var name = "pod-delete"
    public var fault = "podDelete: {}"
    public var faultKind = "podDelete"
    /// The section `probes` of the file; `nil`: there is none.
    public var probes: String?
    /// The section `load` of the file; `nil`: there is none.
    public var load: String?
    /// Records of the first repeat beside those that every repeat has.
    public var more: [JournalRecord] = []
    /// Schedules at other places than the judged address.
    public var viewSchedules: [ProbesStarted.Schedule] = []
    public var expect = "downtime: {max: 5s}, recoveredWithin: 20s, node: any"
    public var repeats = 1
    /// All repeats write to one ledger.
    public var keepsLedger = false
    public var outs: [Out] = [Out(from: 10_000, to: 12_000)]
    /// Of each repeat, from its start.
    public var faultAt = 10_000
    public var end = 20_000
    public var interval = 50
    public var latency = 3
    public var tracks: [Track] = Track.ofService
    public var address = "10.0.0.7:1433"
    /// Records to leave out, and changes to those that stay.
    public var edit: (JournalRecord) -> JournalRecord? = { $0 }
    public var ledger = LedgerChecked()
    public var gaveUp = false
    /// Milliseconds from giving up to the end of the repeat, in which its fault is undone.
    public var undoTakes = 1
    /// Seconds that the pod has to stop.
    public var gracePeriod = 30
    /// Of the server that is told to stop.
    public var exitCode = 0

    /// Connections that make transfers.
    public var transfers = 0

    public init() {}

    public var yaml: String {
        """
        apiVersion: aftershock/v1
        kind: Experiment
        metadata: {name: \(name)}
        spec:
          target:
            namespace: sql
            workload: deployment/mssql
            service: mssql
            login: {user: sa, passwordFrom: {env: PASSWORD}}
            encryption: {mode: required, trustServerCertificate: true}
          fault: {\(fault)}
          steadyFor: 5s
          stableFor: 5s
          giveUpAfter: 1m
          repeat: \(repeats)
          expect: {\(expect)}\(probes.map { "\n  probes: {\($0)}" } ?? "")\(load.map { "\n  load: {\($0)}" } ?? "")
          ledger: {transfers: \(transfers)}
        """
    }

    public var records: [JournalRecord] {
        var records: [JournalRecord] = [
            record(
                0,
                .runStarted(
                    RunStarted(
                        runID: "run1", version: "1.0.0", startedAt: "2026-11-21T09:00:00Z", host: "host", seed: 1, context: "sandbox",
                        serverVersion: "v1.33.0", sources: [.init(file: "experiment.yaml", text: yaml)], repeatOverride: nil))),
            record(1, .preflightCheck(PreflightCheck(name: "permissions", status: .passed, message: "all granted"))),
            record(2, .experimentStarted(ExperimentStarted(name: name))),
        ]
        for number in 1...repeats { records += repeatRecords(number, at: 1000 + (number - 1) * (end + 5000)) }
        records.append(record(1000 + repeats * (end + 5000), .runEnded(RunEnded(restored: true))))
        return records.compactMap(edit)
    }

    /// The findings of the whole journal, as if read from a file.
    public func findings(limits: Limits = Limits()) -> Findings {
        var reducer = FindingsReducer(limits: limits)
        for record in records { reducer.add(record) }
        return reducer.findings()
    }

    // MARK: One repeat

    private func repeatRecords(_ number: Int, at start: Int) -> [JournalRecord] {
        var later: [JournalRecord] = [
            record(start + 5500, .stageEntered(StageEntered(stage: .steady))),
            record(start + 5600, .snapshot(snapshot(.before))),
            record(start + faultAt - 2, .stageEntered(StageEntered(stage: .injecting))),
            record(start + faultAt, .faultBegun(FaultBegun(fault: faultKind, summary: "delete pod/mssql-0"))),
            record(start + faultAt + 2, .faultInjected(FaultInjected(detail: "200 OK"))),
            record(start + faultAt + 10, .stageEntered(StageEntered(stage: .recovering))),
            record(
                start + faultAt + 20,
                .observation(ClusterObservation(kind: .podTerminating, object: "pod/mssql-0", uid: "pod1", gracePeriod: gracePeriod))),
            record(
                start + faultAt + 700,
                .observation(
                    ClusterObservation(
                        kind: .containerTerminated, object: "pod/mssql-0", uid: "pod1", detail: "mssql: exit code \(exitCode)",
                        exit: ContainerExit(container: "mssql", containerID: "c1", code: exitCode)))),
            record(start + faultAt + 800, .observation(ClusterObservation(kind: .podGone, object: "pod/mssql-0", uid: "pod1"))),
            record(start + faultAt + 801, .faultEffect(FaultEffect(proven: true, evidence: ["pod uid pod1 is gone"]))),
            record(
                start + faultAt + 900,
                .observation(ClusterObservation(kind: .podScheduled, object: "pod/mssql-1", uid: "pod2", node: "node-b"))),
            record(start + faultAt + 1200, .observation(ClusterObservation(kind: .containerStarted, object: "pod/mssql-1", uid: "pod2"))),
        ]
        if !gaveUp {
            later += [
                record(start + faultAt + 2100, .stageEntered(StageEntered(stage: .recovered))),
                record(start + faultAt + 7200, .stageEntered(StageEntered(stage: .stable))),
            ]
        } else {
            later.append(record(start + end - undoTakes, .stageEntered(StageEntered(stage: .gaveUp))))
        }
        later += probeRecords(start) + writes(start) + (number == 1 ? more : [])
        later.sort { $0.at < $1.at }

        let schedules = tracks.map { track in
            ProbesStarted.Schedule(
                track: track, interval: Int64(interval) * 1_000_000, timeout: 1_000_000_000, inFlightCap: 64,
                lanes: track == .write ? writers : 1)
        }
        var checked = ledger
        if checked == LedgerChecked() { checked = keptLedger(start) }
        return [
            record(start, .repeatStarted(RepeatStarted(number: number, of: repeats))),
            record(start, .stageEntered(StageEntered(stage: .preparing))),
            record(
                start,
                .ledgerPrepared(
                    LedgerPrepared(
                        database: "aftershock", tableSuffix: keepsLedger ? "run1" : "run\(number)", writers: writers, seedRows: 100,
                        seed: 1, createdDatabase: true))),
            record(start, .probesStarted(ProbesStarted(address: address, schedules: schedules + viewSchedules))),
        ] + later + [
            record(start + end, .snapshot(snapshot(.after))),
            record(start + end + 1, .stageEntered(StageEntered(stage: .settling))),
            record(start + end + 100, .ledgerChecked(checked)),
            record(start + end + 101, .repeatEnded(RepeatEnded(how: gaveUp ? .gaveUp : .completed))),
        ]
    }

    public let writers = 2

    public func record(_ milliseconds: Int, _ event: Event) -> JournalRecord {
        JournalRecord(at: .ms(milliseconds), event: event)
    }

    private func out(_ track: Track, _ started: Int) -> Out? {
        outs.first { $0.tracks.contains(track) && started + latency > $0.from && started < $0.to }
    }

    private func probeRecords(_ start: Int) -> [JournalRecord] {
        tracks.filter { $0 != .write }.flatMap { track in
            (0..<(end / interval)).map { slot in
                let intended = slot * interval
                let out = out(track, intended)
                let done = intended + (out?.failsAfter ?? latency)
                let probe = ProbeResult(
                    track: track, slot: slot, intended: .ms(start + intended), started: .ms(start + intended), done: .ms(start + done),
                    failure: out?.recorded,
                    phases: out == nil ? ["tcp": 1_000_000, "prelogin": 1_000_000, "query": 1_000_000] : nil)
                return record(start + done, .probe(probe))
            }
        }
    }

    private func writes(_ start: Int) -> [JournalRecord] {
        guard tracks.contains(.write) else { return [] }
        return (0..<writers).flatMap { writer in
            var records: [JournalRecord] = []
            var free = 0
            for slot in 0..<(end / interval) {
                let intended = slot * interval + writer * interval / 2
                guard intended >= free else { continue }
                let out = out(.write, intended)
                free = intended + (out?.failsAfter ?? latency)
                let write = WriteResult(
                    writer: writer, sequence: Int64(slot + 1), kind: slot % 10 == 9 ? .update : .insert, intended: .ms(start + intended),
                    started: .ms(start + intended), done: .ms(start + free), outcome: out == nil ? .acknowledged : .unknown,
                    failure: out?.recorded)
                records.append(record(start + free, .write(write)))
            }
            return records
        }
    }

    /// A ledger in which everything that was acknowledged is there.
    public func keptLedger(_ start: Int = 1000) -> LedgerChecked {
        var ledger = LedgerChecked()
        ledger.seeded = 100
        for case .write(let write) in writes(start).map(\.event) {
            ledger.attempted += 1
            switch write.outcome {
            case .acknowledged:
                ledger.acknowledged += 1
                if write.kind.addsRow { ledger.kept += 1 }
            case .refused: ledger.refused += 1
            case .unknown:
                ledger.unknown += 1
                ledger.unknownAbsent += 1
            }
        }
        ledger.kept += ledger.seeded
        ledger.read = ledger.kept
        return ledger
    }

    public func snapshot(_ moment: Snapshot.Moment) -> Snapshot {
        let replaced = moment == .after && faultKind != "none"
        return Snapshot(
            moment: moment,
            service: .init(name: "mssql", uid: "svc1", type: "LoadBalancer", clusterIP: "10.96.0.9", ingress: ["10.0.0.7"]),
            volumes: [.init(claim: "mssql-data", claimUID: "pvc1", volume: "pv1", handle: "/var/lib/pv1")],
            pods: [
                .init(
                    name: replaced ? "mssql-1" : "mssql-0", uid: replaced ? "pod2" : "pod1", node: replaced ? "node-b" : "node-a",
                    containerID: replaced ? "c2" : "c1", restartCount: 0, ready: !(gaveUp && moment == .after), terminating: false)
            ],
            desiredReplicas: 1, readyReplicas: gaveUp && moment == .after ? 0 : 1, address: address)
    }
}

extension RunTime {
    public static func ms(_ milliseconds: Int) -> RunTime { RunTime(nanoseconds: Int64(milliseconds) * 1_000_000) }
}

extension Script {
    /// Leaves out the records that `matches` says.
    public mutating func drop(_ matches: @escaping (Event) -> Bool) {
        let before = edit
        edit = { record in before(record).flatMap { matches($0.event) ? nil : $0 } }
    }

    /// Changes the records.
    public mutating func change(_ transform: @escaping (inout JournalRecord) -> Void) {
        let before = edit
        edit = { record in
            before(record).map { kept in
                var changed = kept
                transform(&changed)
                return changed
            }
        }
    }
}

extension Script {
    public mutating func changeSnapshot(_ moment: Snapshot.Moment, _ transform: @escaping (inout Snapshot) -> Void) {
        change { record in
            if case .snapshot(var snapshot) = record.event, snapshot.moment == moment {
                transform(&snapshot)
                record.event = .snapshot(snapshot)
            }
        }
    }
}

extension TransfersChecked {
    /// One transfer that is torn.
    package static func torn(_ writer: Int, _ sequence: Int64) -> TransfersChecked {
        var transfers = TransfersChecked()
        transfers.attempted = 5
        transfers.acknowledged = 5
        transfers.torn = 1
        transfers.tornTransfers = [.init(writer: writer, sequence: sequence, detail: "the row is there, the debit and the credit are not")]
        return transfers
    }
}
