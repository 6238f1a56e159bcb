import Foundation
public import JSON
public import Journal
public import Kubernetes

/// The mark on a changed object, with which it can be restored even without the journal.
extension Undo {
    struct Mark: Codable {
        var runID: String
        var intent: UndoIntent
    }

    /// Returns `metadata.annotations` for an object that is created with its mark.
    func annotation(_ intent: UndoIntent, runID: String) throws -> JSONValue {
        [
            try annotationKey(intent): .string(
                String(decoding: try JSONValue(encoding: Mark(runID: runID, intent: intent)).data(), as: UTF8.self))
        ]
    }

    private func annotationKey(_ intent: UndoIntent) throws -> String { type(of: try action(of: intent)).annotation }

    /// Puts the mark on an object together with the change, in one request.
    ///
    /// - Parameter change: returns the merge patch for the object's current state; `nil` if there is nothing to change.
    /// - Returns: whether the object was changed.
    /// - Throws: an error also if the object carries the mark of another fault, which would be lost.
    func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent, runID: String,
        and change: (Resource) throws -> JSONValue? = { _ in [:] }
    ) async throws -> Bool {
        let key = try annotationKey(intent)
        return try await update(type, name, in: namespace) { object in
            guard object.metadata.annotations[key] == nil else {
                throw FaultError(
                    .refused, "\(Resource.kind) \(name) carries the mark of a fault that has not been restored",
                    hint: "wait for the run that did it, or see 'aftershock restore --help'")
            }
            guard var patch = try change(object) else { return nil }
            patch["metadata"] = ["annotations": try annotation(intent, runID: runID)]
            return patch
        }
    }

    /// Removes this intent's mark and restores the object, in one request.
    ///
    /// - Returns: `false` if the object does not carry the mark: the change was never made, or belongs to somebody else now.
    @discardableResult
    public func unmark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, of intent: UndoIntent,
        and change: (Resource) throws -> JSONValue = { _ in [:] }
    ) async throws -> Bool {
        let key = try annotationKey(intent)
        return try await update(type, name, in: namespace) { object in
            guard let text = object.metadata.annotations[key], try Self.mark(text).intent == intent else { return nil }
            var patch = try change(object)
            patch["metadata"] = ["annotations": [key: nil]]
            return patch
        }
    }

    /// Removes this intent's mark from the target's Lease, which may have ended meanwhile.
    public func unmarkLease(_ name: String, in namespace: String, of intent: UndoIntent) async throws {
        guard try await client.find(Lease.self, name, in: namespace) != nil else { return }
        try await unmark(Lease.self, name, in: namespace, of: intent)
    }

    /// Changes the current state of an object: if somebody else has changed it meanwhile, it is read again.
    private func update<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, _ change: (Resource) throws -> JSONValue?
    ) async throws -> Bool {
        while true {
            let object = try await client.get(type, name, in: namespace)
            guard var patch = try change(object) else { return false }
            var metadata = patch["metadata"] ?? [:]
            metadata["resourceVersion"] = object.metadata.resourceVersion.map(JSONValue.string) ?? .null
            patch["metadata"] = metadata
            do throws(KubernetesError) {
                try await client.patch(type, name, in: namespace, .merge(patch))
                return true
            } catch {
                guard error.code == .conflict else { throw error }
            }
        }
    }

    private static func mark(_ text: String) throws -> Mark {
        try JSONDecoder().decode(Mark.self, from: Data(text.utf8))
    }

    /// An intent that an object in the cluster carries.
    public struct Found: Sendable, Hashable {
        public var runID: String
        public var intent: UndoIntent
        public var object: MarkedObject
        /// The action's ``UndoAction/consent``.
        public var consent: String?
    }

    /// A mark that cannot be read, or that is about another object. It does not keep other marks from being undone.
    public struct Unreadable: Sendable, Hashable {
        public var object: MarkedObject
        /// The reason, with the next step.
        public var reason: String
    }

    /// Returns whether an object carries the mark of this intent.
    func carries(_ metadata: ObjectMeta, _ intent: UndoIntent) throws -> Bool {
        guard let text = metadata.annotations[try annotationKey(intent)] else { return false }
        return try Self.mark(text).intent == intent
    }

    /// Returns the marks on the pods and leases of `scope` and, unless they are left out, on the cluster's nodes.
    public func marks(
        in scope: NamespaceScope, nodes includingNodes: Bool = true
    ) async throws -> (found: [Found], unreadable: [Unreadable]) {
        let keys = Set(actions.map { $0.annotation }).sorted()
        func objects<Resource: KubernetesResource>(
            _ type: Resource.Type, in scope: NamespaceScope, _ object: (ObjectMeta) -> MarkedObject
        ) async throws -> [(ObjectMeta, MarkedObject)] {
            // A selector cannot match annotations.
            let marked = try await client.list(type, in: scope) { found in keys.contains { found.metadata.annotations[$0] != nil } }
            return marked.items.map { ($0.metadata, object($0.metadata)) }
        }
        var marked = includingNodes ? try await objects(Node.self, in: .all) { .node($0.name) } : []
        marked += try await objects(Pod.self, in: scope) { .pod($0.name, in: $0.namespace ?? "") }
        marked += try await objects(Lease.self, in: scope) { .lease($0.name, in: $0.namespace ?? "") }
        var marks: (found: [Found], unreadable: [Unreadable]) = ([], [])
        for (metadata, object) in marked {
            for key in keys {
                guard let text = metadata.annotations[key] else { continue }
                do throws(FaultError) {
                    marks.found.append(try found(text, key, on: object))
                } catch {
                    marks.unreadable.append(Unreadable(object: object, reason: error.description))
                }
            }
        }
        return marks
    }

    private func found(_ text: String, _ key: String, on object: MarkedObject) throws(FaultError) -> Found {
        do {
            let mark = try Self.mark(text)
            let action = try action(of: mark.intent)
            guard action.object == object, type(of: action).annotation == key else {
                throw FaultError(.refused, "it is about another object")
            }
            return Found(runID: mark.runID, intent: mark.intent, object: object, consent: action.consent)
        } catch {
            throw FaultError(
                .refused, "the annotation \(key) of \(object) cannot be read",
                hint: "look at it with kubectl, restore the object by hand and remove the annotation")
        }
    }
}
