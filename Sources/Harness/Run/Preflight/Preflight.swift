import Experiment
import Fault
import Journal
import Kubernetes
import NIOCore
import TDS

/// The checks before a run. They only read.
struct Preflight: Sendable {
    let client: KubernetesClient
    let experiment: Experiment
    let options: RunOptions
    let eventLoopGroup: any EventLoopGroup

    /// The results of the checks in their order, and the objects that the run needs.
    struct Outcome: Sendable {
        var checks: [PreflightCheck] = []
        /// `nil` when a check has failed.
        var server: TDSConfiguration?

        var passed: Bool { !checks.contains { $0.status == .failed } }

        mutating func pass(_ name: String, _ message: String) {
            checks.append(PreflightCheck(name: name, status: .passed, message: message))
        }

        mutating func warn(_ name: String, _ message: String, hint: String? = nil) {
            checks.append(PreflightCheck(name: name, status: .warning, message: message, hint: hint))
        }

        mutating func fail(_ name: String, _ message: String, hint: String? = nil) {
            checks.append(PreflightCheck(name: name, status: .failed, message: message, hint: hint))
        }
    }

    var fault: any FaultInjection { options.injection(experiment.fault) }

    /// Runs the checks. A check that cannot be carried out fails, and the checks that depend on it are skipped.
    func run() async -> Outcome {
        var outcome = Outcome()
        await collect(&outcome) { try await checkAll(&$0) }
        return outcome
    }

    /// Runs checks on which no other one depends: if one cannot be carried out, the rest still runs.
    private func collect(_ outcome: inout Outcome, _ checks: (inout Outcome) async throws -> Void) async {
        do {
            try await checks(&outcome)
        } catch let error as TargetError {
            outcome.fail(error.check, error.message, hint: error.hint)
        } catch let error as KubernetesError {
            outcome.fail("cluster", error.message, hint: error.hint)
        } catch {
            outcome.fail("preflight", "\(error)")
        }
    }

    private func checkAll(_ outcome: inout Outcome) async throws {
        checkContext(&outcome)
        let version = try await client.version()
        outcome.pass("cluster", "\(client.configuration.server) answers, Kubernetes \(version.gitVersion)")
        let isAllowed = try await checkPermissions(&outcome)
        checkNamespace(&outcome)
        // For a user who may not read the target, the permissions check says so already.
        guard isAllowed else { return }
        await collect(&outcome) { try await checkLeftovers(&$0) }
        let target = try await TargetResolver(client: client, target: experiment.target).resolveWithEndpoint()
        await checkTarget(target, &outcome)
        guard target.ambiguity == nil, !target.servingPods.isEmpty else { return }
        let instance = try target.instance()
        await collect(&outcome) { try await checkInstance(instance, target, &$0) }
        if fault.takesNode || experiment.safety.requireSpareNode {
            await collect(&outcome) { try await checkNodes(target, &$0) }
        }
        guard outcome.passed else { return }
        try await checkRehearsal(instance, &outcome)
        guard outcome.passed else { return }
        let server = try await serverConfiguration(target)
        await checkLogin(server, target, &outcome)
        guard outcome.passed else { return }
        outcome.server = server
        if let pod = target.servingPods.first { await checkMemory(server, try target.container(of: pod), &outcome) }
    }

    private func checkContext(_ outcome: inout Outcome) {
        let context = client.configuration.contextName
        if options.isSandbox || experiment.target.context == context || options.confirmedContext == context {
            return outcome.pass("context", "the context is '\(context)'")
        }
        if let confirmed = options.confirmedContext {
            return outcome.fail(
                "context", "--confirm-context says '\(confirmed)', but the context is '\(context)'",
                hint: "see 'kubectl config current-context'")
        }
        outcome.fail(
            "context", "the context '\(context)' is neither named in the experiment nor confirmed",
            hint: "add --confirm-context=\(context), or spec.target.context: \(context)")
    }

    /// - Returns: whether all permissions are there.
    private func checkPermissions(_ outcome: inout Outcome) async throws -> Bool {
        let needed = Permissions(experiment: experiment, fault: fault).required
        var missing: [ResourceAttributes] = []
        for attributes in needed where try await !client.review(attributes).allowed { missing.append(attributes) }
        guard !missing.isEmpty else {
            outcome.pass("permissions", "all \(needed.count) permissions that the experiment needs are there")
            return true
        }
        outcome.fail(
            "permissions", "not allowed: \(missing.map(\.description).joined(separator: "; "))",
            hint: "'aftershock rbac FILE' prints the Role that the experiment needs")
        return false
    }

    private func checkNamespace(_ outcome: inout Outcome) {
        let namespace = experiment.target.namespace
        guard namespace.hasPrefix("kube-"), !experiment.safety.allowSystemNamespaces else { return }
        outcome.fail(
            "namespace", "\(namespace) is a system namespace", hint: "spec.safety.allowSystemNamespaces: true overrides this")
    }

    private func checkLeftovers(_ outcome: inout Outcome) async throws {
        let marks = try await Undo(client: client, actions: options.undoActions).marks(
            in: .namespace(experiment.target.namespace), nodes: fault.takesNode)
        for unreadable in marks.unreadable { outcome.warn("leftovers", unreadable.reason) }
        // A ledger that this run keeps is no leftover, nor is a change of another experiment of the same command.
        let others = await options.part?.order.running ?? []
        let found = marks.found.filter { ($0.runID != options.runID || !$0.intent.isOnServer) && !others.contains($0.runID) }
        guard let first = found.first else { return }
        outcome.fail(
            "leftovers",
            "\(counted(found.count, "object still carries", "objects still carry")) changes of an earlier run, first \(first.object): \(first.intent.summary)",
            hint: "aftershock restore --run-id \(first.runID)")
    }

    private func serverConfiguration(_ target: ResolvedTarget) async throws -> TDSConfiguration {
        let password = try await PasswordResolver(client: client, namespace: target.namespace).resolve(experiment.target.login.passwordFrom)
        return TDSConfiguration(target: experiment.target, host: target.host, port: target.port, password: password)
    }

    private func checkLogin(_ server: TDSConfiguration, _ target: ResolvedTarget, _ outcome: inout Outcome) async {
        let login = FirstLogin(server: server, eventLoop: eventLoopGroup.next(), clock: ContinuousClock(), timeout: Self.firstLoginTimeout)
        do throws(FirstLogin<ContinuousClock>.Failure) {
            let success = try await login.run()
            let message = "\(server.user) can log in at \(target.address); the server is \(success.serverVersion)"
            guard let lag = success.lag else { return outcome.pass("login", message) }
            outcome.warn(
                "login", "\(message). It took \(lag.waited.text) until the address led there; at first: \(lag.error)",
                hint: "nothing to do right after a rollout; if it was not one, try 'aftershock probe \(target.address) --count 20'")
        } catch {
            let tried = error.waited < Self.firstLoginTimeout ? "" : "; tried for \(error.waited.text)"
            outcome.fail(
                "login", "\(server.user) cannot log in at \(target.address): \(error.error)\(tried)",
                hint: "try 'aftershock probe \(target.address)'")
        }
    }

    /// The timeout for a Service's address to lead to a Ready pod. Kubernetes promises no time for that.
    private static let firstLoginTimeout = Duration.seconds(10)
}
