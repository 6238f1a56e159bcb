import Experiment
import Fault
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// Sends every object of the run to the API server as a dry run: a policy that refuses one in mid-run would make the run invalid.
extension Preflight {
    func checkRehearsal(_ instance: FaultTarget, _ outcome: inout Outcome) async throws {
        do {
            try await rehearseLease(instance)
            try await fault.rehearse(instance, client)
            outcome.pass("rehearsal", "the API server accepts all changes of the run (dry run)")
        } catch let error as FaultError {
            outcome.fail("rehearsal", error.message, hint: error.hint)
        } catch let error as KubernetesError where error.message.contains("does not support dry run") {
            outcome.warn("rehearsal", "a webhook does not allow dry runs: \(error.message)", hint: "set sideEffects: None on it")
        } catch let error as KubernetesError where [.forbidden, .invalid, .badRequest].contains(error.code) {
            outcome.fail(
                "rehearsal", "the API server refuses a change of the run: \(error.message)",
                hint: "see the quota, policy or webhook that it names")
        }
    }

    private func rehearseLease(_ instance: FaultTarget) async throws(KubernetesError) {
        do throws(KubernetesError) {
            _ = try await client.create(
                Lease.self,
                [
                    "metadata": ["name": .string(instance.lease), "labels": [LabelKey.managedBy: "aftershock"]],
                    "spec": ["holderIdentity": "rehearsal", "leaseDurationSeconds": .integer(Int64(TargetLock.duration))],
                ], in: instance.namespace, dryRun: true)
        } catch {
            guard error.code == .alreadyExists else { throw error }
            try await client.patch(
                Lease.self, instance.lease, in: instance.namespace, .merge(["spec": ["holderIdentity": "rehearsal"]]), dryRun: true)
        }
    }
}
