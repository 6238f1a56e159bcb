import JSON
package import SandboxStore

/// Empties a namespace that is being deleted (Kubernetes: pkg/controller/namespace).
///
/// Like Kubernetes' it waits a little first, so that `kubectl delete -f FILE` finds the namespace's objects still there after it has
/// deleted the namespace itself.
package struct NamespaceController: Reconciler {
    package static let watched: [ResourceType] = [.namespaces]

    package let settling: Duration
    private var since: [String: Duration] = [:]

    package init(settling: Duration) { self.settling = settling }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let terminating = state.list(.namespaces).filter(\.isBeingDeleted).map(\.name)
        since = Dictionary(terminating.map { ($0, since[$0] ?? now) }, uniquingKeysWith: { first, _ in first })
        for (name, start) in since where start + settling <= now { state.emptyNamespace(name) }
        return since.values.map { $0 + settling }.filter { $0 > now }.min()
    }
}
