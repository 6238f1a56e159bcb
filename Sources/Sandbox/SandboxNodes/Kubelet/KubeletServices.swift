package import JSON
import NIOCore
package import SandboxStore
import Synchronization

/// Makes a token of an account (the first object) for a pod (the second); the audience is the API server's where none is given.
package typealias PodTokenMaker = @Sendable (_ account: JSONValue, _ pod: JSONValue, _ audience: String?) -> String

/// The services that a kubelet and its pods' workers use.
package struct KubeletServices: Sendable {
    package let nodeName: String
    package let address: String
    package let store: ObjectStore
    package let machine: IsolatedMachine
    package let namespace: NodeNamespace
    package let time: any SandboxTime
    package let timings: SandboxTimings
    package let podAddresses: AddressPool
    package let prober: Prober
    package let databaseVariables: [String: String]
    /// Closed while the node cannot reach the API server.
    package let link: Gate
    /// Closed while the kubelet is stopped.
    package let agent: Gate
    package let makeContainerID: @Sendable () -> String
    package let makeToken: PodTokenMaker

    package init(
        nodeName: String, address: String, store: ObjectStore, machine: IsolatedMachine, namespace: NodeNamespace, time: any SandboxTime,
        timings: SandboxTimings, podAddresses: AddressPool, prober: Prober, databaseVariables: [String: String], link: Gate, agent: Gate,
        makeContainerID: @escaping @Sendable () -> String, makeToken: @escaping PodTokenMaker
    ) {
        self.nodeName = nodeName
        self.address = address
        self.store = store
        self.machine = machine
        self.namespace = namespace
        self.time = time
        self.timings = timings
        self.podAddresses = podAddresses
        self.prober = prober
        self.databaseVariables = databaseVariables
        self.link = link
        self.agent = agent
        self.makeContainerID = makeContainerID
        self.makeToken = makeToken
    }

    /// Waits until the kubelet runs and reaches the API server.
    func online() async {
        while !Task.isCancelled, !(link.isOpen && agent.isOpen) {
            await agent.pass()
            await link.pass()
        }
    }

    package func event(_ pod: JSONValue, _ type: EventType, _ reason: String, _ message: String) async {
        await online()
        guard !Task.isCancelled else { return }
        _ = try? store.transaction { state in
            state.recordEvent(pod, type, reason, message, from: "kubelet", host: nodeName)
            return true
        }
    }

    /// Evaluates a condition now and after every change of these resources, until it gives a value or the task is cancelled.
    func wait<Value: Sendable>(
        for types: [ResourceType], until condition: @escaping @Sendable (StoreState) -> Value?
    ) async -> Value? {
        await withTaskGroup(of: Value?.self) { group in
            for type in types {
                group.addTask {
                    while !Task.isCancelled {
                        guard let watch = try? store.watch(type) else { return nil }
                        do {
                            for try await _ in watch {
                                await online()
                                if let value = try store.read({ condition($0) }) { return value }
                            }
                        } catch {}
                    }
                    return nil
                }
            }
            group.addTask {
                await online()
                return (try? store.read { condition($0) }) ?? nil
            }
            for await value in group {
                guard let value else { continue }
                group.cancelAll()
                return value
            }
            return nil
        }
    }
}

/// Addresses in a block of 127.0.0.0/8, handed out in turn so that a new pod does not get the one a client still remembers.
package final class AddressPool: Sendable {
    private struct State {
        var used: Set<String> = []
        var next = 1
    }

    /// The first two bytes, as in `127.160`.
    package let prefix: String
    private let state = Mutex(State())

    package init(prefix: String) { self.prefix = prefix }

    func take() -> String {
        state.withLock { state in
            while true {
                let address = "\(prefix).\(state.next / 254 % 254).\(state.next % 254 + 1)"
                state.next += 1
                if state.used.insert(address).inserted { return address }
            }
        }
    }

    func give(back address: String) { state.withLock { _ = $0.used.remove(address) } }
}
