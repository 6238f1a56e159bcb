import Experiment
import Fault
import Journal
import Kubernetes
import Ledger
import Probe

/// The steps of one fault while the probes run: steady → inject → prove → recovered → stable → snapshot → undo.
struct FaultCourse: Sendable {
    let client: KubernetesClient
    let journal: JournalWriter
    let experiment: Experiment
    let options: RunOptions
    let faults: FaultContext
    let monitor: HealthMonitor
    /// The health of the experiment's own client, if it has one.
    let clientMonitor: HealthMonitor?
    let target: FaultTarget
    let workload: Workload
    let resolver: TargetResolver
    /// The number of the repeat in the run. Each repeat draws its own moment from it.
    let ordinal: Int
    /// The work that the server's recovery must find; `nil`: whatever there is.
    let load: RecoveryLoad?

    /// The timeout of a snapshot while the API server is unreachable.
    private static let snapshotTimeout = Duration.seconds(60)
    /// The extra time for the first probes after a replacement that was seen only after the deadline.
    private static let settleMargin = Duration.seconds(5)

    private var injection: any FaultInjection { options.injection(experiment.fault) }

    func run() async throws -> RepeatEnded {
        try journal.enter(.steadying)
        guard try await clientBecomesHealthy(for: experiment.steadyFor, within: experiment.giveUpAfter) else {
            return try await giveUp("the client of the experiment was not healthy for \(experiment.steadyFor.text) before the fault")
        }
        guard try await becomesHealthy(for: experiment.steadyFor, since: .origin, within: experiment.giveUpAfter) else {
            return try await giveUp("the service was not healthy for \(experiment.steadyFor.text) before the fault")
        }
        try journal.enter(.steady)
        guard let moment = try await awaitMoment() else {
            return RepeatEnded(how: .completed, reason: "nothing was injected: the moment for it did not come")
        }
        if let load {
            let debt = await load.prove()
            try journal.append(.recoveryDebt(debt))
            if let missing = debt.missing {
                try journal.append(.snapshot(try await patientSnapshot(.after)))
                return RepeatEnded(how: .completed, reason: "the fault was not injected, as the recovery debt was not there: \(missing)")
            }
        }
        var ended =
            if let control = injection as? ControlFault {
                try await doNothing(for: control.duration)
            } else {
                try await inject(moment)
            }
        if injection.undoInterrupts, ended.how == .completed, try await restore() {
            ended = try await settleDown(from: journal.clock.now, deadline: journal.clock.now + experiment.giveUpAfter)
        }
        if injection.takesNode {
            // This shows the old pod and its volume while the node is still as the fault left it.
            try journal.append(.snapshot(try await patientSnapshot(.faulted)))
        }
        try journal.append(.snapshot(try await patientSnapshot(.after)))
        if try await restore(), ended.how == .gaveUp {
            // The undo may bring the service back, and the rows can be read only then. The time it takes is not measured.
            _ = try await becomesHealthy(for: .zero, since: journal.clock.now, within: experiment.giveUpAfter)
        }
        return ended
    }

    /// The control experiment.
    private func doNothing(for duration: Duration) async throws -> RepeatEnded {
        try journal.enter(.injecting)
        try journal.append(.faultBegun(FaultBegun(fault: ControlFault.kind, summary: "nothing is done for \(duration.text)")))
        try await journal.clock.sleep(until: journal.clock.now + duration)
        return try await settleDown(from: journal.clock.now, deadline: journal.clock.now + experiment.giveUpAfter)
    }

    /// Waits for the moment of the fault.
    ///
    /// - Returns: the reason, in words, why this is the moment; `nil` if it did not come.
    private func awaitMoment() async throws -> [String]? {
        switch experiment.at {
        case .steady: return []
        case .within(let window):
            var generator = SplitMix64(seed: options.seed &+ UInt64(ordinal))
            let pause = Duration.nanoseconds(Int64.random(in: 0..<window.wholeNanoseconds, using: &generator))
            try await journal.clock.sleep(until: journal.clock.now + pause)
            return ["\(Duration.milliseconds(Int64(pause / .milliseconds(1))).text) after the service was steady (seed \(options.seed))"]
        case .when(let command, let timeout):
            guard let words = try await MomentCommand(command, target).await(within: timeout, client) else { return nil }
            return ["when \(words)"]
        }
    }

    private func inject(_ moment: [String]) async throws -> RepeatEnded {
        try journal.enter(.injecting)
        let begun = try journal.append(
            .faultBegun(FaultBegun(fault: experiment.fault.kind, summary: (moment + injection.plan(target)).joined(separator: "; "))))
        let deadline = begun + experiment.giveUpAfter
        let (effect, struck) = try await effect()
        try journal.append(.faultEffect(effect))
        guard effect.proven else { return RepeatEnded(how: .completed, reason: "the fault had no proven effect") }
        try journal.enter(.recovering)
        if let pause = injection.undoAfter {
            try await journal.clock.sleep(until: struck + pause)
            try await restore()
        }
        var awaited = Replacement.absent
        if let remedy = injection.remedy, begun + remedy.after < deadline {
            awaited = try await replacement(before: begun + remedy.after)
            if case .seen = awaited {} else { try await apply(remedy) }
        }
        if case .seen = awaited {} else { awaited = try await replacement(before: deadline) }
        switch awaited {
        case .seen(let moment):
            // A list may show the pod only after the deadline; the probes know whether it served in time.
            let late = journal.clock.now + experiment.stableFor + Self.settleMargin
            return try await settleDown(from: moment, deadline: moment < deadline ? deadline : max(deadline, late))
        case .absent:
            return try await giveUp("no ready pod took over within \(experiment.giveUpAfter.text)")
        case .unseen(let reason):
            return RepeatEnded(how: .completed, reason: "the cluster could not be seen when a pod should have taken over: \(reason)")
        }
    }

    /// A remedy that fails is recorded like one that works: the service then has to come back without it.
    private func apply(_ remedy: any Remedy) async throws {
        let words: String
        do {
            words = try await remedy.apply(target, faults)
        } catch let error as FaultError {
            words = "not given: \(error.description)"
        } catch let error as KubernetesError where error.code != .cancelled {
            words = "not given: \(error.description)"
        }
        try journal.append(.observation(ClusterObservation(kind: .remedy, object: "node/\(target.node)", node: target.node, detail: words)))
    }

    /// Injects the fault and proves it. A fault that was refused or did not take effect is recorded as that, and is no error.
    ///
    /// - Returns: the effect, and the time at which the fault's request was answered.
    private func effect() async throws -> (FaultEffect, RunTime) {
        do {
            let detail = try await injection.inject(target, faults)
            let struck = try journal.append(.faultInjected(FaultInjected(detail: detail)))
            var effect = try await injection.prove(target, faults, timeout: experiment.giveUpAfter)
            // The name of the object that was hit goes with the evidence, but proves nothing.
            if !effect.evidence.isEmpty { effect.evidence.insert(detail, at: 0) }
            return (effect, struck)
        } catch let error as FaultError {
            return (FaultEffect(proven: false, evidence: [error.description]), journal.clock.now)
        } catch let error as KubernetesError where error.code != .cancelled {
            return (FaultEffect(proven: false, evidence: [error.description]), journal.clock.now)
        }
    }

    private enum Replacement: Sendable {
        case seen(RunTime)
        case absent
        /// The API server does not answer: the cluster's state is not known.
        case unseen(String)
    }

    /// Waits until `deadline` for a ready instance other than the one that the fault hit.
    ///
    /// A watch may have missed one: before this reports none, it lists the pods once more.
    private func replacement(before deadline: RunTime) async throws -> Replacement {
        let pods = workload.pods.labels
        let seen = try await firstResult(within: deadline - journal.clock.now) { () async throws -> RunTime? in
            for try await event in client.watch(Pod.self, in: .namespace(target.namespace), labels: pods) {
                switch event.change {
                case .added(let pod), .modified(let pod):
                    if isReplacement(pod) { return journal.clock.time(of: event.receivedAt) }
                case .deleted, .synced, .blind, .sighted:
                    continue
                }
            }
            return nil
        }
        if let seen { return .seen(seen) }
        do throws(KubernetesError) {
            let found = try await client.list(Pod.self, in: .namespace(target.namespace), labels: pods).items
            return found.contains(where: isReplacement) ? .seen(journal.clock.now) : .absent
        } catch {
            if error.code == .cancelled { throw error }
            return .unseen(error.description)
        }
    }

    /// After a fault that spares the instance, the same instance may come back.
    private func isReplacement(_ pod: Pod) -> Bool {
        let isOld = pod.metadata.uid == target.podUID && pod.containerStatus(target.container)?.containerID == target.containerID
        return workload.pods.contains(pod) && pod.isReady && (injection.sparesInstance || !isOld)
    }

    /// Waits until everything has been healthy for `stableFor` since `moment`.
    private func settleDown(from moment: RunTime, deadline: RunTime) async throws -> RepeatEnded {
        guard try await becomesHealthy(for: .zero, since: moment, within: deadline - journal.clock.now) else {
            return try await giveUp("clients were not served again within \(experiment.giveUpAfter.text)")
        }
        try journal.enter(.recovered)
        guard try await becomesHealthy(for: experiment.stableFor, since: moment, within: deadline - journal.clock.now) else {
            return try await giveUp("clients were served again, but not for \(experiment.stableFor.text) without a failure")
        }
        try journal.enter(.stable)
        // The client may need longer than the service to recover, and the run measures that too.
        _ = try await clientBecomesHealthy(for: experiment.stableFor, within: deadline - journal.clock.now)
        try await idleIsAsked(fault: deadline + (.zero - experiment.giveUpAfter))
        return RepeatEnded(how: .completed)
    }

    /// Waits until every connection that was idle at the time of the fault has been asked.
    private func idleIsAsked(fault: RunTime) async throws {
        guard let idle = experiment.probes.idle else { return }
        try await journal.clock.sleep(until: fault + idle.silentFor + idle.timeout + Self.settleMargin)
    }

    /// Returns whether the experiment's own client, if any, had no failure for `span`, before `limit` passed.
    private func clientBecomesHealthy(for span: Duration, within limit: Duration) async throws -> Bool {
        guard let clientMonitor else { return true }
        let health = try await firstResult(within: limit) { () async throws -> Health? in
            try await clientMonitor.wait { health in health.isOver || health.healthyFor.map { $0 >= span } ?? false }
        }
        return health?.isOver == false
    }

    /// Returns whether no track had a failure for `span`, counted from `moment` at the earliest, before `limit` passed.
    private func becomesHealthy(for span: Duration, since moment: RunTime, within limit: Duration) async throws -> Bool {
        let health = try await firstResult(within: limit) { () async throws -> Health? in
            try await monitor.wait { health in
                guard let since = health.healthySince, let seen = health.healthyFor else { return false }
                return since + seen - max(since, moment) >= span && since + seen >= moment
            }
        }
        return health != nil
    }

    /// Ends the repeat. Adds to the reason what keeps the workload's pods from being ready, if the cluster says so.
    private func giveUp(_ reason: String) async throws -> RepeatEnded {
        try journal.enter(.gaveUp)
        let obstacle = await Obstacle(client: client, namespace: target.namespace, workload: workload).sentence()
        return RepeatEnded(how: .gaveUp, reason: reason + (obstacle.map { ": \($0)" } ?? ""))
    }

    /// Returns whether there was something to restore.
    @discardableResult
    private func restore() async throws -> Bool {
        // The ledger's tables are still needed.
        guard faults.openIntents.contains(where: { !$0.isOnServer }) else { return false }
        try journal.enter(.undoing)
        try await faults.restore { !$0.isOnServer }
        return true
    }

    /// Waits for an API server that is unreachable for a moment.
    private func patientSnapshot(_ moment: Snapshot.Moment) async throws -> Snapshot {
        let deadline = journal.clock.now + Self.snapshotTimeout
        while true {
            do {
                return try await resolver.snapshot(
                    moment, container: target.container, lostNode: moment == .faulted ? target.node : nil)
            } catch let error as KubernetesError where error.isPassing && journal.clock.now < deadline {
                try await journal.clock.sleep(until: journal.clock.now + .seconds(1))
            }
        }
    }
}

extension KubernetesError {
    /// The API server cannot be reached for the moment.
    fileprivate var isPassing: Bool {
        [.unreachable, .connectionLost, .timeout, .serverTimeout, .serverError].contains(code)
    }
}
