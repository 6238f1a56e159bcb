import Foundation
package import JSON

/// The form of an object's deletion (meta/v1 `DeleteOptions`).
package struct DeleteOptions: Sendable, Equatable {
    package enum Propagation: String, Sendable {
        /// The object first, then what it owns.
        case background = "Background"
        /// The dependents go first; until then the object stays with the `foregroundDeletion` finalizer.
        case foreground = "Foreground"
        /// The dependents stay, without an owner.
        case orphan = "Orphan"
    }

    /// Seconds a pod gets to stop; `nil` is the pod's own, 0 removes the object at once, negative counts as 1.
    package var gracePeriodSeconds: Int64?
    package var preconditions = Preconditions.none
    package var propagation = Propagation.background

    package init(gracePeriodSeconds: Int64? = nil, preconditions: Preconditions = .none, propagation: Propagation = .background) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.preconditions = preconditions
        self.propagation = propagation
    }

    static let background = DeleteOptions()

    /// The kubelet's confirmation that a pod's processes are gone.
    package static func confirmed(uid: String) -> DeleteOptions {
        DeleteOptions(gracePeriodSeconds: 0, preconditions: Preconditions(uid: uid))
    }
}

/// The result of a deletion.
package enum Deletion: Sendable, Equatable {
    /// The object is gone; its last state.
    case removed(JSONValue)
    /// The object stays until its kubelet or finalizers let it go; its present state.
    case pending(JSONValue)

    package var object: JSONValue {
        switch self {
        case .removed(let object), .pending(let object): object
        }
    }
}

/// Deletion as the API server and the garbage collector do it
/// (https://kubernetes.io/docs/concepts/architecture/garbage-collection/), all in one step.
extension StoreState {
    private static let foregroundFinalizer = "foregroundDeletion"

    @discardableResult
    package mutating func delete(_ key: ObjectKey, _ options: DeleteOptions = .background) throws(APIError) -> Deletion {
        var object = try get(key)
        try check(options.preconditions, key, object)
        if key.type == .namespaces { return try terminateNamespace(key, object) }

        switch options.propagation {
        case .background: break
        case .orphan: orphanDependents(of: object)
        case .foreground:
            if !blockingDependents(of: object).isEmpty, !object.finalizers.contains(Self.foregroundFinalizer) {
                object.finalizers.append(Self.foregroundFinalizer)
            }
        }
        let grace = gracePeriod(of: object, key.type, options)
        if key.type == .pods, grace > 0 { return .pending(mark(key, object, grace: grace)) }
        guard object.finalizers.isEmpty else {
            let marked = mark(key, object, grace: 0)
            if object.finalizers.contains(Self.foregroundFinalizer) {
                let uid = object.uid
                try deleteDependents(ofUID: uid, .foreground)
                // Dependents that vanish at once have already taken the owner with them.
                return self[key]?.uid == uid ? .pending(self[key] ?? marked) : .removed(marked)
            }
            return .pending(marked)
        }
        return .removed(try remove(key, lastState: object))
    }

    /// Takes an object out and collects what only it owned.
    @discardableResult
    package mutating func remove(_ key: ObjectKey, lastState: JSONValue) throws(APIError) -> JSONValue {
        let gone = erase(key, lastState: lastState)
        try deleteDependents(ofUID: gone.uid, .background)
        try releaseOwners(of: gone)
        finishNamespace(key.namespace)
        return gone
    }

    /// Pods that never ran or are over have nothing to stop (pod strategy `CheckGracefulDelete`).
    private func gracePeriod(of object: JSONValue, _ type: ResourceType, _ options: DeleteOptions) -> Int64 {
        guard type == .pods else { return 0 }
        let isScheduled = !(object[path: "spec", "nodeName"]?.string ?? "").isEmpty
        let phase = object[path: "status", "phase"]?.string
        guard isScheduled, phase != "Succeeded", phase != "Failed" else { return 0 }
        let own = object[path: "spec", "terminationGracePeriodSeconds"]?.integer ?? 30
        let asked = options.gracePeriodSeconds ?? own
        return asked < 0 ? 1 : asked
    }

    /// Sets the deletion timestamp; on an object already being deleted only a shorter grace period changes anything.
    private mutating func mark(_ key: ObjectKey, _ new: JSONValue, grace: Int64) -> JSONValue {
        let old = self[key] ?? new
        var object = new
        let earlier = old[path: "metadata", "deletionGracePeriodSeconds"]?.integer
        if !old.isBeingDeleted || grace < (earlier ?? 0) {
            let deadline = environment.now().addingTimeInterval(TimeInterval(grace))
            object[path: "metadata", "deletionTimestamp"] = .string(StoreEnvironment.timestamp(deadline))
            object[path: "metadata", "deletionGracePeriodSeconds"] = .integer(grace)
            if object.generation > 0 { object[path: "metadata", "generation"] = .integer(object.generation + 1) }
        }
        guard object != old else { return old }
        return put(object, key, .modified, previous: old)
    }
}

// MARK: Owners and dependents

extension StoreState {
    private func blockingDependents(of owner: JSONValue) -> [ObjectKey] {
        dependents(ofUID: owner.uid).filter { key in
            self[key]?.ownerReferences.contains { $0["uid"]?.string == owner.uid && $0["blockOwnerDeletion"]?.bool == true } ?? false
        }
    }

    private mutating func orphanDependents(of owner: JSONValue) {
        for key in dependents(ofUID: owner.uid) {
            guard let dependent = self[key] else { continue }
            var object = dependent
            object.ownerReferences.removeAll { $0["uid"]?.string == owner.uid }
            put(object, key, .modified, previous: dependent)
        }
    }

    /// Deletes what the owner owned, unless another living owner still holds it.
    private mutating func deleteDependents(ofUID uid: String, _ propagation: DeleteOptions.Propagation) throws(APIError) {
        for key in dependents(ofUID: uid) {
            guard let dependent = self[key] else { continue }
            let isHeldByAnother = dependent.ownerReferences.contains { reference in
                guard let other = reference["uid"]?.string, other != uid else { return false }
                return object(uid: other) != nil
            }
            if isHeldByAnother {
                var object = dependent
                object.ownerReferences.removeAll { $0["uid"]?.string == uid }
                put(object, key, .modified, previous: dependent)
            } else if propagation == .foreground || !dependent.isBeingDeleted {
                try delete(key, DeleteOptions(propagation: propagation))
            }
        }
    }

    /// Lets owners go that waited in foreground deletion for their last dependent.
    private mutating func releaseOwners(of gone: JSONValue) throws(APIError) {
        for reference in gone.ownerReferences {
            guard let uid = reference["uid"]?.string, let owner = object(uid: uid), owner.isBeingDeleted,
                owner.finalizers.contains(Self.foregroundFinalizer), blockingDependents(of: owner).isEmpty,
                let definition = registry.definition(apiVersion: owner.apiVersion, kind: owner.kind)
            else { continue }
            let key = definition.key(namespace: owner.namespace, name: owner.name)
            _ = try modify(key) { $0.finalizers.removeAll { $0 == Self.foregroundFinalizer } }
        }
    }
}

// MARK: Namespaces

extension StoreState {
    private static let permanentNamespaces: Set<String> = ["default", "kube-system", "kube-public", "kube-node-lease"]

    private mutating func terminateNamespace(_ key: ObjectKey, _ namespace: JSONValue) throws(APIError) -> Deletion {
        if Self.permanentNamespaces.contains(key.name) {
            throw .forbidden(.namespaces, key.name, "this namespace may not be deleted")
        }
        var object = namespace
        object[path: "status", "phase"] = "Terminating"
        let marked = mark(key, object, grace: 0)
        finishNamespace(key.name)
        guard let still = self[key] else { return .removed(marked) }
        return .pending(still)
    }

    /// Deletes what is in a terminating namespace; the namespace goes with the last of it.
    package mutating func emptyNamespace(_ name: String) {
        for content in keys(inNamespace: name) {
            guard let existing = self[content], !existing.isBeingDeleted else { continue }
            do throws(APIError) {
                try delete(content)
            } catch {
                // Without preconditions only an object that has gone with an earlier one cannot be deleted.
                continue
            }
        }
    }

    /// Removes a terminating namespace once nothing is in it.
    private mutating func finishNamespace(_ name: String) {
        let key = ObjectKey(.namespaces, name: name)
        guard let namespace = self[key], namespace.isBeingDeleted, objectCount(inNamespace: name) == 0 else { return }
        _ = erase(key, lastState: namespace)
    }
}
