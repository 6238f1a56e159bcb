package import Foundation
package import JSON
import SandboxAPI
package import SandboxStore
import Synchronization

/// A time of day that moves only when told to.
package final class ManualTime: Sendable {
    private let seconds = Mutex(TimeInterval(1_700_000_000))

    package init() {}

    package var now: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }

    package func advance(by more: TimeInterval) { seconds.withLock { $0 += more } }
}

extension StoreEnvironment {
    /// Counted UIDs and name suffixes, and a time that stands still.
    static func counting(_ time: ManualTime = ManualTime()) -> StoreEnvironment {
        let counters = Counters()
        return StoreEnvironment(
            now: { time.now }, makeUID: { "uid-\(counters.nextUID())" }, makeNameSuffix: { "x\(counters.nextSuffix())" })
    }
}

private final class Counters: Sendable {
    private let values = Mutex((uid: 0, suffix: 0))

    func nextUID() -> Int {
        values.withLock {
            $0.uid += 1
            return $0.uid
        }
    }

    func nextSuffix() -> Int {
        values.withLock {
            $0.suffix += 1
            return $0.suffix
        }
    }
}

extension ObjectStore {
    /// A store with the namespace `default`, as the cluster has it.
    package static func testing(_ time: ManualTime = ManualTime(), windowCapacity: Int = 1000) throws -> ObjectStore {
        let admission = KubernetesAdmission(profile: .fast, addresses: ServiceAddresses(prefix: "127.96"))
        let store = ObjectStore(environment: .counting(time), admission: admission, windowCapacity: windowCapacity)
        try store.create(.namespaces, ["metadata": ["name": "default"]])
        return store
    }

    @discardableResult
    package func createPod(_ name: String, labels: [String: String] = [:], node: String? = nil, phase: String? = nil) throws -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["name": .string(name), "labels": .init(strings: labels)],
            "spec": ["containers": [["name": "main", "image": "busybox:1"]]],
        ]
        pod[path: "spec", "nodeName"] = node.map(JSONValue.string)
        try create(.pods, pod, namespace: "default")
        guard let phase else { return try get(.pod(name)) }
        return try modify(.pod(name)) { $0[path: "status", "phase"] = .string(phase) }
    }

    @discardableResult
    package func createConfigMap(_ name: String, owners: [JSONValue] = [], finalizers: [String] = []) throws -> JSONValue {
        var object: JSONValue = ["metadata": ["name": .string(name)], "data": ["a": "1"]]
        object.ownerReferences = owners
        object.finalizers = finalizers
        return try create(.configMaps, object, namespace: "default")
    }
}

extension ObjectKey {
    package static func pod(_ name: String) -> ObjectKey { ObjectKey(.pods, namespace: "default", name: name) }

    package static func configMap(_ name: String) -> ObjectKey { ObjectKey(.configMaps, namespace: "default", name: name) }
}

extension JSONValue {
    /// A reference to this object, for what it owns.
    package func asOwner(blocking: Bool = false, controller: Bool = false) -> JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
            "blockOwnerDeletion": .bool(blocking), "controller": .bool(controller),
        ]
    }
}

/// Objects that several tests create.
package enum Fixture {
    package static let deployment: JSONValue = [
        "metadata": ["name": "web"],
        "spec": [
            "selector": ["matchLabels": ["app": "web"]],
            "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "main", "image": "busybox:1"]]]],
        ],
    ]
}
