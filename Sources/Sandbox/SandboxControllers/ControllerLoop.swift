import JSON
package import SandboxStore

/// One part of the control plane: it compares what is with what should be and makes one step towards it.
///
/// A reconciler sees the whole state at one version and changes it in one step, so it cannot race with others. It is called again after
/// every change of what it watches, and at the moment it asks for; when nothing is left to do it changes nothing.
package protocol Reconciler: Sendable {
    static var watched: [ResourceType] { get }

    /// - Returns: When to be called again without a change; `nil` for never.
    mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration?
}

extension Reconciler {
    /// Reconciles until the task is cancelled.
    package func run(_ store: ObjectStore, _ time: any SandboxTime) async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { group in
            for type in Self.watched {
                group.addTask {
                    while !Task.isCancelled {
                        // A watch that has fallen behind says 410; the next one begins with the present state.
                        guard let watch = try? store.watch(type) else { return }
                        do {
                            for try await _ in watch { change.yield() }
                        } catch {}
                    }
                }
            }
            change.yield()
            var reconciler = self
            var alarm: Task<Void, Never>?
            for await _ in changes {
                alarm?.cancel()
                let current = reconciler
                let step = try? store.transaction { state in
                    var next = current
                    let deadline = next.reconcile(&state, at: time.now)
                    return Step(reconciler: next, deadline: deadline)
                }
                guard let step else { continue }
                reconciler = step.reconciler
                alarm = step.deadline.map { deadline in
                    Task {
                        guard (try? await time.sleep(until: deadline)) != nil else { return }
                        change.yield()
                    }
                }
            }
            alarm?.cancel()
            group.cancelAll()
        }
    }
}

private struct Step<Value: Reconciler>: Sendable {
    let reconciler: Value
    let deadline: Duration?
}
