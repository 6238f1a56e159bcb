import Experiment
import Fault
import Foundation
import JSON
import Kubernetes
import KubernetesAPI

/// A Lease that keeps two harnesses from using one target at the same time.
///
/// Source: https://kubernetes.io/docs/concepts/architecture/leases/
struct TargetLock: Sendable {
    let client: KubernetesClient
    let namespace: String
    let name: String
    let holder: String

    /// The time without a renewal after which the holder counts as dead.
    static let duration = 30
    private static let renewal = Duration.seconds(10)
    /// The interval at which another holder's lease is read.
    private static let look = Duration.seconds(1)
    /// The longest time for which another holder's lease is watched.
    private static let longest = Duration.seconds(60)
    init(client: KubernetesClient, namespace: String, workload: String, holder: String) {
        self.init(client: client, namespace: namespace, name: Self.name(of: workload), holder: holder)
    }

    init(client: KubernetesClient, namespace: String, name: String, holder: String) {
        self.client = client
        self.namespace = namespace
        self.name = name
        self.holder = holder
    }

    static func name(of workload: String) -> String { "aftershock-\(workload)" }

    /// Takes the lease. Watches the lease of another holder for its whole duration, and takes it over only if it does not change.
    ///
    /// Its times are from that holder's clock, which may be wrong, and are ignored. client-go does the same.
    ///
    /// - Returns: the earlier holder whose lease had expired, if there was one.
    /// - Throws: ``TargetError`` if another holder renews it.
    @discardableResult
    func acquire() async throws -> String? {
        let clock = ContinuousClock()
        var seen = try await client.find(Lease.self, name, in: namespace)
        var since = clock.now
        while let lease = seen, let other = lease.holder(otherThan: holder) {
            let lasting = Duration.seconds(lease.spec?.leaseDurationSeconds ?? Self.duration)
            guard lasting <= Self.longest else { throw taken(by: "run \(other)", "which it has taken for \(lasting.text)") }
            guard clock.now - since < lasting else {
                try await take(lease)
                return other
            }
            try await clock.sleep(for: min(Self.look, lasting - (clock.now - since)))
            let now = try await client.find(Lease.self, name, in: namespace)
            if now?.holder(otherThan: holder) != nil, now?.spec != lease.spec || now?.metadata.uid != lease.metadata.uid {
                throw taken(by: "run \(now?.spec?.holderIdentity ?? other)", "which it renews")
            }
            // A new or removed mark on it is a sign of life too, but does not say whose.
            if now?.metadata.resourceVersion != lease.metadata.resourceVersion { since = clock.now }
            seen = now
        }
        if let seen { try await take(seen) } else { try await create() }
        return nil
    }

    private func create() async throws {
        do throws(KubernetesError) {
            // The label finds the leases of dead harnesses.
            let metadata: JSONValue = ["name": .string(name), "labels": [LabelKey.managedBy: "aftershock"]]
            _ = try await client.create(Lease.self, ["metadata": metadata, "spec": specification()], in: namespace)
        } catch {
            throw error.code == .alreadyExists ? taken(by: "another harness", "which it has just taken") : error
        }
    }

    private func take(_ lease: Lease) async throws {
        do throws(KubernetesError) {
            try await client.patch(Lease.self, name, in: namespace, .merge(renewed(lease)))
        } catch {
            throw error.code == .conflict ? taken(by: "another harness", "which it has just taken") : error
        }
    }

    /// Renews the lease until it is cancelled. Retries a failed renewal at the next interval; the lease outlives two failures.
    ///
    /// Returns only if the lease is lost: another harness took it after it expired, or somebody removed it.
    func keep() async throws {
        while true {
            try await ContinuousClock().sleep(for: Self.renewal)
            do throws(KubernetesError) {
                guard let lease = try await client.find(Lease.self, name, in: namespace), lease.spec?.holderIdentity == holder else {
                    return
                }
                try await client.patch(Lease.self, name, in: namespace, .merge(renewed(lease)))
            } catch {
                if error.code == .cancelled { throw CancellationError() }
            }
        }
    }

    /// Releases the lease, if it is still ours.
    ///
    /// - Returns: whether it was still ours.
    @discardableResult
    func release() async throws -> Bool {
        guard let lease = try await client.find(Lease.self, name, in: namespace), lease.spec?.holderIdentity == holder else { return false }
        try await client.delete(
            Lease.self, name, in: namespace,
            options: DeleteOptions(uid: lease.metadata.uid, resourceVersion: lease.metadata.resourceVersion))
        return true
    }

    private func renewed(_ lease: Lease) -> JSONValue {
        ["metadata": ["resourceVersion": lease.metadata.resourceVersion.map(JSONValue.string) ?? nil], "spec": specification()]
    }

    private func specification() -> JSONValue {
        let now = Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .omitted))
        return [
            "holderIdentity": .string(holder), "leaseDurationSeconds": .integer(Int64(Self.duration)), "renewTime": .string(microTime(now)),
        ]
    }

    /// `metav1.MicroTime` wants six digits of a second's fraction.
    private func microTime(_ text: String) -> String {
        guard let dot = text.lastIndex(of: ".") else { return text }
        let fraction = text[text.index(after: dot)...].prefix { $0.isNumber }
        let rest = text[text.index(dot, offsetBy: fraction.count + 1)...]
        return text[...dot] + fraction.padding(toLength: 6, withPad: "0", startingAt: 0) + rest
    }

    private func taken(by who: String, _ when: String) -> TargetError {
        TargetError(
            check: "lock", message: "\(who) is working on this target (Lease \(namespace)/\(name), \(when))",
            hint: "wait for it to end; if it was killed, see 'aftershock restore --help'")
    }
}

extension Lease {
    /// The holder, unless there is none or it is `own`.
    fileprivate func holder(otherThan own: String) -> String? {
        guard let holder = spec?.holderIdentity, !holder.isEmpty, holder != own else { return nil }
        return holder
    }
}
