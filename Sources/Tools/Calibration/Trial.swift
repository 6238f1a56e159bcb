import Certificates
import Journal
import NIOCore
import Network
import Probe
import Synchronization
import TDS
import Verdict

/// Causes one planned outage of a scripted server, and measures it as a run does: with the real probes, journal records and findings.
struct Trial: Sendable {
    let plan: TrialPlan
    let cadence: TrialPlan.Cadence
    /// The trial's own loopback address.
    let host: String
    /// The number of connections that the kernel keeps for a frozen server.
    let backlog: CInt
    let identity: IssuedCertificate
    let serverLoop: any EventLoop
    let probeLoop: any EventLoop
    let loginLoop: any EventLoop

    private static let user = "sa"
    private static let tracks: [Track] = [.connect, .login, .session]
    /// The default of an experiment's `probes.inFlightCap`.
    private static let mostInFlight = 200

    /// The probes' records.
    private final class Recorder: Sendable {
        private struct State {
            var findings = FindingsReducer()
            /// The duration of each success from its intended start, by its track and its end.
            var latencies: [Track: [RunTime: Duration]] = [:]
        }

        private let clock: RunClock
        private let state = Mutex(State())

        init(clock: RunClock) { self.clock = clock }

        func record(_ event: Event) {
            let at = clock.now
            state.withLock { state in
                if case .probe(let result) = event, result.succeeded {
                    state.latencies[result.track, default: [:]][result.done] = result.done - result.intended
                }
                state.findings.add(JournalRecord(at: at, event: event))
            }
        }

        var findings: Findings { state.withLock { $0.findings.findings() } }

        /// The duration of the success that ended each outage.
        func recoveries(_ found: TrackFindings) -> [Duration] {
            let latencies = state.withLock { $0.latencies[found.track] ?? [:] }
            return found.outages.map { $0.firstSuccessDone.flatMap { latencies[$0] } ?? .zero }
        }
    }

    func run() async throws -> TrialResult {
        let clock = RunClock()
        let server = try await ScriptedServer.start(host: host, identity: plan.kind == .tlsAbort ? identity : nil, on: serverLoop)
        do {
            let forwarder = try await Forwarder.start(host: host, to: server.address, backlog: backlog, on: serverLoop)
            do {
                let result = try await measure(server, forwarder, clock)
                try await forwarder.stop()
                try await server.stop()
                return result
            } catch {
                try await forwarder.stop()
                throw error
            }
        } catch {
            try await server.stop()
            throw error
        }
    }

    private func measure(_ server: ScriptedServer, _ forwarder: Forwarder, _ clock: RunClock) async throws -> TrialResult {
        let recorder = Recorder(clock: clock)
        let health = HealthMonitor(lanes: Dictionary(uniqueKeysWithValues: Self.tracks.map { ($0, 1) }))
        let configuration = ProbeConfiguration(
            server: TDSConfiguration(
                host: host, port: forwarder.address.port ?? 0, user: Self.user, password: "",
                encryption: plan.kind == .tlsAbort ? .required : .off, certificateTrust: .any),
            tracks: Dictionary(
                uniqueKeysWithValues: Self.tracks.map { track in
                    let cap = min(Int(cadence.timeout / cadence.interval) + 10, Self.mostInFlight)
                    return (track, .init(interval: cadence.interval(of: track), timeout: cadence.timeout, inFlightCap: cap))
                }),
            runID: "calibration")
        var witnessServer = configuration.server
        witnessServer.deadlines = .init(each: .seconds(30))
        recorder.record(.experimentStarted(ExperimentStarted(name: plan.kind.rawValue)))
        recorder.record(.repeatStarted(RepeatStarted(number: 1, of: 1)))
        recorder.record(
            .probesStarted(ProbesStarted(address: HostPort.text(host, forwarder.address.port ?? 0), schedules: configuration.schedules)))

        let heartbeat = Heartbeat(on: serverLoop, clock: clock)
        try await heartbeat.start(every: cadence.interval)
        let truths = try await withThrowingTaskGroup(of: Void.self) { group in
            let runner = ProbeRunner(configuration, clock: clock, on: probeLoop, logins: loginLoop, health: health) { recorder.record($0) }
            group.addTask { try await runner.run() }
            try await health.wait { $0.healthySince != nil }
            recorder.record(.stageEntered(StageEntered(stage: .steady)))
            var truths: [TrueOutage] = []
            for (index, dip) in plan.dips.enumerated() {
                try await clock.sleep(until: clock.now + dip.after)
                // The server was up when a login was answered, and may have been too busy after that.
                let up = clock.now
                try await witness(witnessServer)
                if index == 0 { recorder.record(.faultBegun(FaultBegun(fault: plan.kind.rawValue, summary: "calibration"))) }
                let began = try await begin(server, forwarder, clock)
                try await clock.sleep(until: began.upperBound + dip.length)
                let ended = try await end(server, forwarder, clock)
                // The server works off its queue first: the outage is over at the latest when an extra login succeeds.
                try await witness(witnessServer)
                truths.append(TrueOutage(began: up...began.upperBound, ended: ended.lowerBound...clock.now))
            }
            // Hanging probes fail up to a timeout later, and the session needs another slot to reconnect.
            try await clock.sleep(until: clock.now + cadence.timeout * 2 + cadence.loginInterval * 5)
            group.cancelAll()
            try await group.waitForAll()
            return truths
        }
        recorder.record(.repeatEnded(RepeatEnded(how: .completed)))
        let serverSilence = try await heartbeat.stop()

        let tracks = recorder.findings.experiments.first?.repeats.first?.tracks ?? []
        return TrialResult(
            plan: plan, truths: truths, fullQueues: try await forwarder.fullQueues(), serverSilence: serverSilence,
            timeout: cadence.timeout,
            tracks: tracks.map { found in
                TrialResult.Measured(
                    track: found.track, interval: cadence.interval(of: found.track), outages: found.outages,
                    recoveries: recorder.recoveries(found), lateShare: found.lateShare)
            })
    }

    /// Makes an extra login outside of the schedules.
    private func witness(_ server: TDSConfiguration) async throws {
        try await TDSConnection.connect(server, on: serverLoop).close()
    }

    private func begin(_ server: ScriptedServer, _ forwarder: Forwarder, _ clock: RunClock) async throws -> ClosedRange<RunTime> {
        switch plan.kind {
        case .refuse, .flapping: try await forwarder.set(.refused, clock: clock)
        case .reset: try await forwarder.set(.reset, clock: clock)
        case .blackHole: try await forwarder.set(.blackHole, clock: clock)
        case .acceptAndHang: try await forwarder.set(.hanging, clock: clock)
        case .freeze: try await forwarder.set(.frozen, clock: clock)
        case .hangAfterPrelogin: try await server.follow(.hangAfterPrelogin, clock: clock)
        case .tlsAbort: try await server.follow(.abortTLS, clock: clock)
        case .loginError: try await server.follow(.rejectLogins(Self.notReady), clock: clock)
        }
    }

    private func end(_ server: ScriptedServer, _ forwarder: Forwarder, _ clock: RunClock) async throws -> ClosedRange<RunTime> {
        switch plan.kind {
        case .refuse, .flapping, .reset, .blackHole, .acceptAndHang, .freeze: try await forwarder.set(.open, clock: clock)
        case .hangAfterPrelogin, .tlsAbort, .loginError: try await server.follow(.serve, clock: clock)
        }
    }

    /// The answer of a SQL Server that is still starting.
    private static let notReady = TDSServerMessage(
        number: 17187, state: 1, class: 16, text: "SQL Server is not ready to accept new client connections.")
}

extension TrackFindings {
    fileprivate var lateShare: Double {
        let slots = results + skipped.values.reduce(0, +)
        return slots > 0 ? Double(skipped[.lag] ?? 0) / Double(slots) : 0
    }
}
