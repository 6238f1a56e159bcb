import Foundation
package import JSON

extension StoreState {
    /// Records an Event about an object, or counts it up when the same has happened before
    /// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/).
    package mutating func recordEvent(
        _ object: JSONValue, _ type: EventType, _ reason: String, _ message: String, from component: String, host: String? = nil
    ) {
        let namespace = object.namespace.isEmpty ? "default" : object.namespace
        let now = StoreEnvironment.timestamp(environment.now())
        let identity = [object.uid, type.rawValue, reason, message, component, host ?? ""].joined(separator: "\u{0}")
        let key = ObjectKey(.events, namespace: namespace, name: "\(object.name).\(StableHash.hexadecimal(identity))")
        if self[key] != nil {
            _ = try? modify(key) { event in
                event["count"] = .integer((event["count"]?.integer ?? 1) + 1)
                event["lastTimestamp"] = .string(now)
            }
            return
        }
        var source: JSONValue = ["component": .string(component)]
        if let host { source["host"] = .string(host) }
        let event: JSONValue = [
            "metadata": ["name": .string(key.name), "namespace": .string(namespace)],
            "involvedObject": [
                "kind": .string(object.kind), "apiVersion": .string(object.apiVersion), "name": .string(object.name),
                "namespace": .string(object.namespace), "uid": .string(object.uid), "resourceVersion": .string(object.resourceVersion),
            ],
            "type": .string(type.rawValue), "reason": .string(reason), "message": .string(message), "source": source,
            "firstTimestamp": .string(now), "lastTimestamp": .string(now), "count": 1, "reportingComponent": .string(component),
            "reportingInstance": .string(host ?? ""),
        ]
        // An event that cannot be recorded (its namespace is going) is not worth failing for.
        _ = try? create(.events, event, namespace: namespace)
    }

    package var timestamp: JSONValue { .string(StoreEnvironment.timestamp(environment.now())) }
}

package enum EventType: String, Sendable {
    case normal = "Normal"
    case warning = "Warning"
}

/// FNV-1a: the same in every process, as names made of it must be.
package enum StableHash {
    package static func value(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }

    package static func hexadecimal(_ text: String) -> String { String(value(text), radix: 16) }

    /// A pod template's hash in Kubernetes' safe alphabet.
    package static func label(_ value: JSONValue) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        // Keys are sorted, so equal templates have equal text.
        var rest = Self.value((try? value.data()).map { String(decoding: $0, as: UTF8.self) } ?? "")
        var text = ""
        for _ in 0..<10 {
            text.append(alphabet[Int(rest % UInt64(alphabet.count))])
            rest /= UInt64(alphabet.count)
        }
        return text
    }
}
