public import Experiment
import Fault
public import Journal
public import Kubernetes
public import NIOCore
import Probe

/// The steps of one experiment, determined without touching anything.
public struct RunPlan: Sendable {
    public var experiment: String
    public var checks: [PreflightCheck]
    /// The changes that a run would make, in order; empty if a check failed before they were known.
    public var actions: [String]
    public var permissions: Permissions

    public var passed: Bool { !checks.contains { $0.status == .failed } }
}

/// Makes the plans of `plan` and `doctor`.
public struct Planner: Sendable {
    private let client: KubernetesClient
    private let options: RunOptions
    private let eventLoopGroup: any EventLoopGroup

    public init(client: KubernetesClient, options: RunOptions, eventLoopGroup: any EventLoopGroup) {
        self.client = client
        self.options = options
        self.eventLoopGroup = eventLoopGroup
    }

    /// Returns the plan of an experiment, after all of its checks.
    public func plan(_ experiment: Experiment) async -> RunPlan {
        let preflight = Preflight(client: client, experiment: experiment, options: options, eventLoopGroup: eventLoopGroup)
        var outcome = await preflight.run()
        var actions: [String] = []
        do {
            actions = try await describe(experiment)
        } catch {
            // The preflight met the same obstacle, unless it is new.
            if outcome.passed { outcome.fail("plan", "\(error)") }
        }
        return RunPlan(
            experiment: experiment.name, checks: outcome.checks, actions: actions,
            permissions: Permissions(experiment: experiment, fault: options.injection(experiment.fault)))
    }

    private func describe(_ experiment: Experiment) async throws -> [String] {
        let target = try await TargetResolver(client: client, target: experiment.target).resolve()
        guard !target.servingPods.isEmpty else { return [] }
        let faultTarget = try target.instance()
        let ledger = experiment.ledger
        var own = [
            "hold Lease \(target.namespace)/\(faultTarget.lease)",
            "\(ledger.createDatabase ? "create database \(ledger.database) where it is not there, and in it" : "in database \(ledger.database)") "
                + "write \(counted(ledger.seedRows, "row")), then with \(counted(ledger.writers, "writer")) one row each every \(ledger.interval.text)"
                + (ledger.transfers > 0 ? ", and with \(counted(ledger.transfers, "connection")) a transfer each" : ""),
            "probe \(target.address): connect every \(experiment.probes.connect.interval.text), login every "
                + "\(experiment.probes.login.interval.text), session every \(experiment.probes.session.interval.text)",
        ]
        let places = target.places(experiment.probes.views, PodAddress(nil)).map(\.view.rawValue).joined(separator: ", ")
        if !places.isEmpty { own.append("ask the service there too, where it can be reached: \(places)") }
        if let idle = experiment.probes.idle {
            own.append("hold \(counted(idle.connections, "connection")), silent for \(idle.silentFor.text), and ask each once")
        }
        if let client = experiment.probes.client {
            own.append("start '\(client.command.joined(separator: " "))' on this machine, and end it with the run")
        }
        let moment: [String] =
            switch experiment.at {
            case .steady: []
            case .within(let window): ["wait for a random moment within \(window.text) after the service is steady"]
            case .when(let command, let timeout):
                ["wait until '\(command.joined(separator: " "))' ends with 0, for \(timeout.text) at most"]
            }
        let fault = moment + options.injection(experiment.fault).plan(faultTarget)
        return own + fault + ["drop the ledger's tables"]
    }
}
