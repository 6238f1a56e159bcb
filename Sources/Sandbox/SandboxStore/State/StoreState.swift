import Foundation
package import JSON

/// Checks and completes objects on their way into the store: defaulting, validation, address allocation.
/// It runs inside the store's critical section, so it must not wait and sees one consistent state.
package protocol ObjectAdmission: Sendable {
    /// The certificate authority that every namespace publishes; `nil` for none.
    var authority: String? { get }
    func prepareCreate(_ object: inout JSONValue, _ definition: ResourceDefinition, in state: StoreState) throws(APIError)
    func prepareUpdate(
        _ object: inout JSONValue, from old: JSONValue, _ definition: ResourceDefinition, in state: StoreState
    ) throws(APIError)
}

/// Which part of an object an update may change.
package enum UpdatePart: Sendable {
    /// Everything but status (for resources that have a status subresource).
    case main
    case status
    /// Spec and status at once, for the cluster's own components.
    case everything
}

/// The conditions on the stored object for a change to go ahead; otherwise 409.
package struct Preconditions: Sendable, Equatable {
    package var uid: String?
    package var resourceVersion: String?

    package init(uid: String? = nil, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }

    package static let none = Preconditions()
}

/// The cluster's objects and their history: a value, changed only through these methods, with no I/O and no clock of its own.
package struct StoreState: Sendable {
    package let registry: ResourceRegistry
    package let environment: StoreEnvironment
    package let admission: any ObjectAdmission
    private let windowCapacity: Int
    /// The ConfigMap of every namespace that holds the certificate authority.
    package static let authorityMap = "kube-root-ca.crt"

    /// The version of the newest change. Every change of any object takes the next one.
    package private(set) var revision: Int64 = 1
    private var objects: [ResourceType: [ObjectKey: JSONValue]] = [:]
    private var windows: [ResourceType: EventWindow] = [:]
    private var keysByUID: [String: ObjectKey] = [:]
    private var dependents: [String: Set<ObjectKey>] = [:]
    private var namespaceCounts: [String: Int] = [:]
    private var weights: [ObjectKey: Int] = [:]
    package private(set) var weight = 0
    /// The resources changed since the last ``takeTouched()``.
    private var touched: Set<ResourceType> = []

    package init(registry: ResourceRegistry, environment: StoreEnvironment, admission: any ObjectAdmission, windowCapacity: Int) {
        self.registry = registry
        self.environment = environment
        self.admission = admission
        self.windowCapacity = windowCapacity
    }

    mutating func takeTouched() -> Set<ResourceType> {
        defer { touched = [] }
        return touched
    }
}

// MARK: Reading

extension StoreState {
    package subscript(key: ObjectKey) -> JSONValue? { objects[key.type]?[key] }

    package func get(_ key: ObjectKey) throws(APIError) -> JSONValue {
        guard let object = self[key] else { throw .notFound(key.type, key.name) }
        return object
    }

    package func definition(_ type: ResourceType) throws(APIError) -> ResourceDefinition {
        guard let definition = registry[type] else {
            throw APIError(404, "NotFound", "the server could not find the requested resource")
        }
        return definition
    }

    /// The matching objects by namespace and name.
    package func list(_ type: ResourceType, _ filter: ObjectFilter = .everything) -> [JSONValue] {
        (objects[type] ?? [:]).filter { filter.matches($0.value) }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The matching objects as they were at an earlier revision, rebuilt by undoing the window's events; 410 when it does not reach back.
    package func list(_ type: ResourceType, _ filter: ObjectFilter, at past: Int64) throws(APIError) -> [JSONValue] {
        guard past < revision else { return list(type, filter) }
        guard let undone = window(type).events(after: past) else {
            throw .expired("The provided continue parameter is too old to display a consistent list result.")
        }
        var then = objects[type] ?? [:]
        for event in undone.reversed() { then[event.key] = event.previous }
        return then.filter { filter.matches($0.value) }.sorted { $0.key < $1.key }.map(\.value)
    }

    func window(_ type: ResourceType) -> EventWindow { windows[type] ?? EventWindow(capacity: windowCapacity) }

    /// The object with this UID, of whatever resource.
    package func object(uid: String) -> JSONValue? { keysByUID[uid].flatMap { self[$0] } }

    func dependents(ofUID uid: String) -> [ObjectKey] { dependents[uid, default: []].sorted() }

    func objectCount(inNamespace namespace: String) -> Int { namespaceCounts[namespace, default: 0] }

    /// Every namespaced object of one namespace.
    package func keys(inNamespace namespace: String) -> [ObjectKey] {
        objects.values.flatMap { $0.keys.filter { $0.namespace == namespace } }.sorted()
    }
}

// MARK: Creating and changing

extension StoreState {
    /// Stores a new object: names it, stamps its metadata, applies defaults and checks it.
    package mutating func create(_ type: ResourceType, _ new: JSONValue, namespace: String = "") throws(APIError) -> JSONValue {
        let definition = try definition(type)
        var object = new
        if object["metadata"]?.object == nil { object["metadata"] = [:] }
        object["apiVersion"] = .string(definition.apiVersion)
        object["kind"] = .string(definition.kind)
        try place(&object, definition, namespace)
        let key = definition.key(namespace: object.namespace, name: object.name)
        if self[key] != nil { throw .alreadyExists(type, key.name) }
        try makeRoom(for: type, key.name)
        object[path: "metadata", "uid"] = .string(environment.makeUID())
        object[path: "metadata", "creationTimestamp"] = .string(StoreEnvironment.timestamp(environment.now()))
        let foreign = ["deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink", "resourceVersion"]
        for member in foreign { object[path: "metadata", member] = nil }
        if definition.countsGenerations { object[path: "metadata", "generation"] = 1 }
        try admission.prepareCreate(&object, definition, in: self)
        let stored = put(object, key, .added, previous: nil)
        if !object.ownerReferences.isEmpty, !object.ownerReferences.contains(where: { keysByUID[$0["uid"]?.string ?? ""] != nil }) {
            // The owner went away while its controller made this object: nobody else would ever collect it.
            try delete(key)
        }
        if type == .namespaces {
            // As the service account controller does, only at once: whoever made the namespace can make pods in it right away.
            _ = try create(.serviceAccounts, ["metadata": ["name": "default"]], namespace: key.name)
            if let authority = admission.authority {
                let map: JSONValue = [
                    "metadata": ["name": .string(Self.authorityMap)], "data": ["ca.crt": .string(authority)],
                ]
                _ = try create(.configMaps, map, namespace: key.name)
            }
        }
        return stored
    }

    /// Nothing new may come into a namespace that is being deleted, evictions included (k8s.io/apiserver:
    /// pkg/admission/plugin/namespace/lifecycle).
    func checkCreation(of type: ResourceType, _ name: String, in namespace: String) throws(APIError) {
        guard let holder = self[ObjectKey(.namespaces, name: namespace)] else { throw .notFound(.namespaces, namespace) }
        guard holder.isBeingDeleted else { return }
        var error = APIError.forbidden(
            type, name, "unable to create new content in namespace \(namespace) because it is being terminated")
        error.causes = [
            .init(reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated", field: "metadata.namespace")
        ]
        throw error
    }

    private func place(_ object: inout JSONValue, _ definition: ResourceDefinition, _ namespace: String) throws(APIError) {
        if definition.isNamespaced {
            let own = object.namespace
            guard own.isEmpty || own == namespace || namespace.isEmpty else {
                throw .badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request (\(own) and \(namespace))")
            }
            let target = own.isEmpty ? namespace : own
            try checkCreation(of: definition.type, object.name, in: target)
            object[path: "metadata", "namespace"] = .string(target)
        } else {
            object[path: "metadata", "namespace"] = nil
        }
        if object.name.isEmpty, let prefix = object[path: "metadata", "generateName"]?.string, !prefix.isEmpty {
            object[path: "metadata", "name"] = .string(prefix + environment.makeNameSuffix())
        }
        if object.name.isEmpty {
            let cause = APIError.Cause(
                reason: "FieldValueRequired", message: "Required value: name or generateName is required", field: "metadata.name")
            throw .invalid(definition, "", [cause])
        }
    }

    /// Replaces an object. A `resourceVersion` or `uid` in the new one must be the stored object's (409); an unchanged object makes no event.
    package mutating func update(
        _ key: ObjectKey, to new: JSONValue, part: UpdatePart = .main, _ preconditions: Preconditions = .none
    ) throws(APIError) -> JSONValue {
        let definition = try definition(key.type)
        let old = try get(key)
        try check(preconditions, key, old)
        try check(
            Preconditions(
                uid: new.uid.isEmpty ? nil : new.uid, resourceVersion: new.resourceVersion.isEmpty ? nil : new.resourceVersion),
            key, old)
        var object = merged(new, into: old, part, definition)
        try admission.prepareUpdate(&object, from: old, definition, in: self)
        if definition.countsGenerations, Self.specification(object) != Self.specification(old) {
            object[path: "metadata", "generation"] = .integer(old.generation + 1)
        }
        let isReleased = object.isBeingDeleted && object.finalizers.isEmpty
        if isReleased, (object[path: "metadata", "deletionGracePeriodSeconds"]?.integer ?? 0) == 0, key.type != .namespaces {
            return try remove(key, lastState: object)
        }
        guard object != old else { return old }
        return put(object, key, .modified, previous: old)
    }

    /// Changes an object in place: read, modify and write as one step, so it never conflicts.
    package mutating func modify(
        _ key: ObjectKey, part: UpdatePart = .everything, _ preconditions: Preconditions = .none, _ body: (inout JSONValue) -> Void
    ) throws(APIError) -> JSONValue {
        var object = try get(key)
        body(&object)
        return try update(key, to: object, part: part, preconditions)
    }

    package func check(_ preconditions: Preconditions, _ key: ObjectKey, _ object: JSONValue) throws(APIError) {
        if let uid = preconditions.uid, uid != object.uid {
            throw .conflict(
                key.type, key.name, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(object.uid)")
        }
        if let version = preconditions.resourceVersion, version != object.resourceVersion {
            throw .conflict(
                key.type, key.name, "the object has been modified; please apply your changes to the latest version and try again")
        }
    }

    private func merged(_ new: JSONValue, into old: JSONValue, _ part: UpdatePart, _ definition: ResourceDefinition) -> JSONValue {
        if part == .status {
            var object = old
            object["status"] = new["status"]
            return object
        }
        var object = new
        object["apiVersion"] = old["apiVersion"]
        object["kind"] = old["kind"]
        for member in [
            "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation", "generateName", "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ] {
            object[path: "metadata", member] = old[path: "metadata", member]
        }
        object[path: "metadata", "managedFields"] = nil
        if part == .main, definition.hasStatus { object["status"] = old["status"] }
        return object
    }

    /// Everything of an object that `metadata.generation` counts.
    private static func specification(_ object: JSONValue) -> JSONValue {
        var copy = object
        copy["metadata"] = nil
        copy["status"] = nil
        return copy
    }
}

// MARK: Writing

extension StoreState {
    /// Writes an object under the next revision and records the event.
    @discardableResult
    package mutating func put(_ new: JSONValue, _ key: ObjectKey, _ kind: StoreEvent.Kind, previous: JSONValue?) -> JSONValue {
        revision += 1
        var object = new
        object[path: "metadata", "resourceVersion"] = .string(String(revision))
        objects[key.type, default: [:]][key] = object
        if previous == nil {
            keysByUID[object.uid] = key
            if !key.namespace.isEmpty { namespaceCounts[key.namespace, default: 0] += 1 }
        }
        index(key, from: previous, to: object)
        let own = object.weight(limit: ObjectLimits.objectWeight)
        weight += own - (weights.updateValue(own, forKey: key) ?? 0)
        record(StoreEvent(kind: kind, revision: revision, key: key, object: object, previous: previous, weight: own))
        return object
    }

    /// Returns the number of objects of a resource.
    package func count(_ type: ResourceType) -> Int { objects[type]?.count ?? 0 }

    /// Keeps the sandbox within ``ObjectLimits``.
    private mutating func makeRoom(for type: ResourceType, _ name: String) throws(APIError) {
        if weight > ObjectLimits.storeWeight { throw ObjectLimits.full }
        if type == .pods, count(.pods) >= ObjectLimits.pods {
            throw .forbidden(.pods, name, "the sandbox holds at most \(ObjectLimits.pods) pods")
        }
        // Events are forgotten, as they are in Kubernetes after an hour; a quarter at a time.
        guard type == .events, count(.events) >= ObjectLimits.events else { return }
        let oldest = (objects[.events] ?? [:]).sorted { (Int64($0.value.resourceVersion) ?? 0) < (Int64($1.value.resourceVersion) ?? 0) }
        for (key, event) in oldest.prefix(ObjectLimits.events / 4) { _ = erase(key, lastState: event) }
    }

    /// Takes an object out for good and records the event; what depends on it is the caller's business.
    mutating func erase(_ key: ObjectKey, lastState: JSONValue) -> JSONValue {
        guard let previous = objects[key.type]?.removeValue(forKey: key) else { return lastState }
        revision += 1
        var object = lastState
        object[path: "metadata", "resourceVersion"] = .string(String(revision))
        keysByUID[object.uid] = nil
        if !key.namespace.isEmpty { namespaceCounts[key.namespace, default: 0] -= 1 }
        index(key, from: previous, to: nil)
        let own = weights.removeValue(forKey: key) ?? 0
        weight -= own
        record(StoreEvent(kind: .deleted, revision: revision, key: key, object: object, previous: previous, weight: own))
        return object
    }

    private mutating func index(_ key: ObjectKey, from old: JSONValue?, to new: JSONValue?) {
        let before = Set(old?.ownerReferences.compactMap { $0["uid"]?.string } ?? [])
        let after = Set(new?.ownerReferences.compactMap { $0["uid"]?.string } ?? [])
        for uid in before.subtracting(after) {
            dependents[uid]?.remove(key)
            if dependents[uid]?.isEmpty == true { dependents[uid] = nil }
        }
        for uid in after.subtracting(before) { dependents[uid, default: []].insert(key) }
    }

    private mutating func record(_ event: StoreEvent) {
        let empty = EventWindow(capacity: windowCapacity)
        windows[event.key.type, default: empty].append(event)
        touched.insert(event.key.type)
    }
}
