import Experiment
import Fault
import Foundation
import JSON
import Kubernetes
import KubernetesAPI

/// A Lease that keeps two harnesses from working on one target at once.
///
/// Source: https://kubernetes.io/docs/concepts/architecture/leases/
struct TargetLock: Sendable {
    let client: KubernetesClient
    let namespace: String
    let name: String
    let holder: String

    /// After this time without renewal the holder is taken for dead.
    static let duration = 30
    private static let renewal = Duration.seconds(10)
    /// The time between two looks at a lease that is watched.
    private static let look = Duration.seconds(1)
    /// No lease is watched for longer.
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

    /// Takes the lease. One that another holder has is watched for as long as it is to last: only if it does not change is it taken over.
    ///
    /// The times in it are of that holder's clock, which may be wrong; nothing is concluded from them. client-go judges in this way, too.
    ///
    /// - Returns: the holder whose lease had run out, if there was one.
    /// - Throws: ``TargetError`` when another holder renews it.
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
            // A mark that is put on it or taken off it is a sign of life, but of whom it does not say.
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

    /// Renews the lease until it is cancelled. A renewal that fails is tried again at the next turn; the lease outlives two of them.
    ///
    /// Returns only when the lease is no longer ours: it ran out and another harness took it, or somebody removed it.
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

    /// Gives the lease up, if it is still ours.
    ///
    /// - Returns: whether it was.
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
    /// Who holds it, unless that is nobody or `own`.
    fileprivate func holder(otherThan own: String) -> String? {
        guard let holder = spec?.holderIdentity, !holder.isEmpty, holder != own else { return nil }
        return holder
    }
}
