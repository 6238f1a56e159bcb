import Experiment
import Journal
import Kubernetes

/// Evicts one pod, waiting for PodDisruptionBudgets that forbid it for now, as `kubectl drain` does.
struct Eviction: Sendable {
    let client: KubernetesClient
    let namespace: String
    let pod: String
    let uid: String
    let gracePeriod: Duration?

    /// `kubectl drain`'s pause after a 429 (pkg/drain, `EvictErrorRetryDelay`).
    private static let pause = Duration.seconds(5)

    /// Returns what happened. A pod that is gone or replaced counts as evicted.
    ///
    /// - Throws: ``FaultError`` that names the budget when `deadline` passes, or the API's error.
    func evict(until deadline: ContinuousClock.Instant) async throws -> String {
        var refusals = 0
        while true {
            do throws(KubernetesError) {
                try await client.evict(
                    pod: pod, in: namespace,
                    options: DeleteOptions(gracePeriodSeconds: gracePeriod.map { Int($0.components.seconds) }, uid: uid))
                return "pod \(pod) evicted" + (refusals > 0 ? " after \(counted(refusals, "refusal")) by a disruption budget" : "")
            } catch {
                if let end = Self.end(by: error) { return "pod \(pod) \(end)" }
                guard error.code == .tooManyRequests else { throw error }
                refusals += 1
                let wait = error.retryAfterSeconds.flatMap { $0 > 0 ? Duration.seconds($0) : nil } ?? Self.pause
                guard ContinuousClock.now + wait < deadline else {
                    throw FaultError(
                        .notInjected, "\(await budgets()) forbids to evict pod \(namespace)/\(pod): \(error.message)",
                        hint: "allow a disruption, or raise the fault's timeout")
                }
                try await ContinuousClock().sleep(for: wait)
            }
        }
    }

    /// Why there is nothing left to evict, if that is what the API server's refusal says.
    static func end(by refusal: KubernetesError) -> String? {
        switch refusal.code {
        case .notFound: "is gone already"
        case .conflict: "is another one by now"
        // Nothing may be created in such a namespace, an eviction neither (kubectl: pkg/drain/drain.go). All that is in it is deleted.
        case .forbidden where refusal.status?.cause("NamespaceTerminating") != nil: "goes with its namespace"
        default: nil
        }
    }

    /// Reports budgets that never allow the eviction, which would otherwise show only after its timeout.
    static func checks(_ held: [DrainPlan.Budget]) -> [PreflightCheck] {
        held.map { budget in
            PreflightCheck(
                name: "budgets", status: budget.isPermanent ? .failed : .warning,
                message: "PodDisruptionBudget \(budget.budget) holds pod \(budget.pod): \(budget.problem)",
                hint: budget.isPermanent
                    ? "an eviction would never be allowed; change the budget, or scale the workload" : "the eviction waits for it")
        }
    }

    /// Waits until the evicted pod is gone, or another one has its name: a drain is over then, not before.
    ///
    /// - Throws: ``FaultError`` that names the pod when `deadline` passes.
    func awaitEnd(until deadline: ContinuousClock.Instant) async throws {
        let ended = try await firstResult(within: deadline - .now) { () async throws -> Bool? in
            try await client.firstState(Pod.self, pod, in: namespace) { $0?.metadata.uid == uid ? nil : true }
        }
        guard ended == true else {
            throw FaultError(
                .notInjected, "pod \(namespace)/\(pod) was evicted, but is still there",
                hint: "see its finalizers and its grace period, or raise the fault's timeout")
        }
    }

    /// The budgets that match the pod, by name, for the message.
    private func budgets() async -> String {
        do {
            let labels = try await client.get(Pod.self, pod, in: namespace).metadata.labels
            let names = try await client.list(PodDisruptionBudget.self, in: .namespace(namespace)).items
                .filter { $0.spec.selector?.matches(labels) ?? false }.map(\.metadata.name)
            return names.isEmpty ? "a PodDisruptionBudget" : "PodDisruptionBudget \(names.joined(separator: ", "))"
        } catch {
            return "a PodDisruptionBudget"
        }
    }
}
