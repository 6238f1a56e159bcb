import Experiment
import Fault
import Journal
import Kubernetes
import Ledger
import NIOCore
import Probe
import TDS

/// Runs one repeat: steady, fault, proof, recovery, undo, settling. Only appends facts to the journal.
struct RepeatRunner: Sendable {
    let client: KubernetesClient
    let journal: JournalWriter
    let experiment: Experiment
    let options: RunOptions
    let server: TDSConfiguration
    let eventLoopGroup: any EventLoopGroup
    let faults: FaultContext
    let kept: KeptLedgers
    /// The number of the repeat, from 1.
    let number: Int
    /// Unique in the run: part of the ledger's table names.
    let ordinal: Int

    /// Returns the end of the repeat. Throws if the repeat could not be completed; its changes are then still to be undone.
    func run() async throws -> RepeatEnded {
        try journal.enter(.preparing)
        let resolver = TargetResolver(client: client, target: experiment.target)
        let target = try await resolver.resolveWithEndpoint()
        let faultTarget = try target.instance()
        try journal.append(.snapshot(try await resolver.snapshot(.before, container: faultTarget.container)))
        let ledger = if let ledger = kept.ledger(of: experiment) { ledger } else { try await newLedger(faultTarget) }
        try journal.append(.ledgerPrepared(ledger.prepared))
        let load = await makeLoad(ledger)
        let questions = EngineQuestions(server: server, eventLoop: eventLoopGroup.next())
        let engine = await questions.ask(.before)
        try journal.append(.engine(engine))

        let measured = await Self.outcome { try await measure(target, faultTarget, resolver, ledger, load) }
        if let load { await load.release() }
        let ended = try measured.get()

        try journal.enter(.settling)
        try journal.append(.engine(await questions.ask(.after, asBefore: engine, clock: journal.clock)))
        let old = OldInstances(client: client, namespace: target.namespace, workload: target.workload)
        let checked: Event =
            if let reason = try await old.awaitEnd(within: experiment.giveUpAfter) {
                .ledgerUnchecked(LedgerUnchecked(reason: reason))
            } else {
                await ledger.check(on: eventLoopGroup.next())
            }
        try journal.append(checked)
        // A second server may have started since the watch ended, and the rows may have been read from it.
        if let now = try? await resolver.resolve(), now.readyBackends.count > 1 {
            let names = now.readyBackends.map(\.name).joined(separator: ", ")
            try journal.append(
                .observation(ClusterObservation(kind: .severalBackends, object: "service/\(experiment.target.service)", detail: names)))
        }
        guard experiment.ledger.keep == .repeat else { return ended }
        // A server that could not be read has had its time already.
        let isThere = if case .ledgerChecked = checked { true } else { false }
        try await faults.restore({ $0.isOnServer }, timeout: isThere ? Undo.timeout : .zero)
        return ended
    }

    private func newLedger(_ target: FaultTarget) async throws -> Ledger {
        let configuration = LedgerConfiguration(
            server: server, experiment: experiment, tableSuffix: "\(options.runID)_\(ordinal)", seed: options.seed)
        if !options.keepTables { try await intendRemoval(of: configuration, target) }
        let ledger = try await Ledger.prepare(configuration, clock: journal.clock, on: eventLoopGroup.next())
        if experiment.ledger.keep == .run { kept.keep(ledger, of: experiment) }
        return ledger
    }

    private static func outcome(_ body: () async throws -> RepeatEnded) async -> Result<RepeatEnded, any Error> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    /// Creates the work that the recovery must find, before the probes start.
    private func makeLoad(_ ledger: Ledger) async -> RecoveryLoad? {
        guard let wanted = experiment.load else { return nil }
        let load = RecoveryLoad(wanted, ledger, on: eventLoopGroup.next())
        await load.make()
        return load
    }

    /// Records in the journal and on the Lease that the ledger's tables must be removed, before they are created.
    private func intendRemoval(of configuration: LedgerConfiguration, _ target: FaultTarget) async throws {
        let tables = try await LedgerTables(configuration, on: eventLoopGroup.next())
        let intent = try faults.intend(RemoveTables(tables, experiment, lease: target.lease))
        try await faults.mark(Lease.self, target.lease, in: target.namespace, with: intent)
    }

    /// Runs probes, writers and watches beside the steps of the fault.
    private func measure(
        _ target: ResolvedTarget, _ faultTarget: FaultTarget, _ resolver: TargetResolver, _ ledger: Ledger, _ load: RecoveryLoad?
    ) async throws -> RepeatEnded {
        let monitor = HealthMonitor(lanes: [.connect: 1, .login: 1, .session: 1, .write: experiment.ledger.lanes])
        let configuration = ProbeConfiguration(server: server, probes: experiment.probes, runID: options.runID)
        let record: @Sendable (Event) throws -> Void = { [journal] event in try journal.append(event) }
        let client = experiment.probes.client
        let clientMonitor = client.map { _ in HealthMonitor(lanes: [.client: 1]) }
        var loops = eventLoopGroup.makeIterator()
        let eventLoop = loops.next() ?? eventLoopGroup.next()
        let loginLoop = loops.next() ?? eventLoop
        let podAddress = PodAddress(target.servingPods.first?.status?.podIP)
        let vantage = VantageRunner(
            configuration.views(experiment.probes.views), clock: journal.clock, on: eventLoop, logins: loginLoop, record: record)
        let places = try await vantage.reached(target.places(experiment.probes.views, podAddress))
        let schedules =
            configuration.schedules + [ledger.schedule] + (client.map { [ClientRunner.schedule($0)] } ?? [])
            + places.flatMap { configuration.views(experiment.probes.views).schedules(at: $0.view) }
        try journal.append(.probesStarted(ProbesStarted(address: target.address, schedules: schedules)))
        let course = FaultCourse(
            client: self.client, journal: journal, experiment: experiment, options: options, faults: faults, monitor: monitor,
            clientMonitor: clientMonitor, target: faultTarget, workload: target.workload, resolver: resolver, ordinal: ordinal, load: load)
        let asksPod = places.contains { $0.view == .pod }
        return try await withThrowingTaskGroup(of: RepeatEnded?.self) { group in
            group.addTask {
                try await ProbeRunner(
                    configuration, clock: journal.clock, on: eventLoop, logins: loginLoop, health: monitor, record: record
                ).run()
                return nil
            }
            group.addTask {
                try await ledger.write(on: eventLoop, health: monitor, record: record)
                return nil
            }
            group.addTask {
                try await ClusterWatch(
                    client: self.client, journal: journal, namespace: target.namespace, pods: target.workload.pods,
                    service: target.service.metadata.name, port: target.servicePort.name ?? "",
                    podAddress: asksPod ? target.podPort.map { (podAddress, $0) } : nil
                ).run()
                return nil
            }
            group.addTask {
                try await ServerLogWatch(
                    client: self.client, journal: journal, namespace: target.namespace, pods: target.workload.pods,
                    container: faultTarget.container
                ).run()
                return nil
            }
            if !places.isEmpty {
                group.addTask {
                    try await vantage.run(places)
                    return nil
                }
            }
            if asksPod, let port = target.podPort, let cadence = configuration.views(experiment.probes.views).tracks[.login] {
                var database = server
                (database.port, database.database) = (port, experiment.ledger.database)
                let watch = DatabaseWatch(
                    database, interval: cadence.interval, timeout: cadence.timeout, clock: journal.clock, on: loginLoop, record: record
                ) { podAddress.current }
                group.addTask {
                    try await watch.run()
                    return nil
                }
            }
            if let idle = experiment.probes.idle {
                try journal.append(
                    .idleStarted(IdleStarted(silentFor: idle.silentFor.wholeNanoseconds, connections: idle.connections)))
                group.addTask {
                    try await IdleRunner(
                        idle, server: server, runID: options.runID, clock: journal.clock, on: eventLoop, record: record
                    ).run()
                    return nil
                }
            }
            if let client, let clientMonitor {
                group.addTask {
                    try await ClientRunner(
                        client, server: server, clock: journal.clock, logPath: options.clientLogPath, health: clientMonitor,
                        record: record
                    ).run()
                    return nil
                }
            }
            group.addTask { try await course.run() }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                guard let ended = finished else { continue }
                group.cancelAll()
                try await group.waitForAll()
                return ended
            }
            throw CancellationError()
        }
    }
}
