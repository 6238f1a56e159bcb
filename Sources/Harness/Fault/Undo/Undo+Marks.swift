import Foundation
import JSON
public import Journal
public import Kubernetes

/// The mark on a changed object, so that it can be restored even when the journal is lost.
extension Undo {
    struct Mark: Codable {
        var runID: String
        var intent: UndoIntent
    }

    /// `metadata.annotations` of an object that is created with its mark.
    static func annotation(_ intent: UndoIntent, runID: String) throws -> JSONValue {
        [annotationKey: .string(String(decoding: try JSONValue(encoding: Mark(runID: runID, intent: intent)).data(), as: UTF8.self))]
    }

    /// Puts the mark on an object together with the change, in one request.
    ///
    /// - Parameter change: the merge patch for the object as it is now; `nil` where there is nothing to do any more.
    /// - Returns: whether it was changed.
    /// - Throws: also when the object carries the mark of another fault, which would be lost.
    func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent, runID: String,
        and change: (Resource) throws -> JSONValue? = { _ in [:] }
    ) async throws -> Bool {
        try await update(type, name, in: namespace) { object in
            guard object.metadata.annotations[Self.annotationKey] == nil else {
                throw FaultError(
                    .refused, "\(Resource.kind) \(name) carries the mark of a fault that has not been put back",
                    hint: "wait for the run that did it, or see 'aftershock restore --help'")
            }
            guard var patch = try change(object) else { return nil }
            patch["metadata"] = ["annotations": try Self.annotation(intent, runID: runID)]
            return patch
        }
    }

    /// Removes this intent's mark and makes the change that puts the object back, in one request.
    ///
    /// - Returns: `false` when the object does not carry the mark: the change was never made, or is somebody else's by now.
    @discardableResult
    func unmark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, of intent: UndoIntent,
        and change: (Resource) throws -> JSONValue = { _ in [:] }
    ) async throws -> Bool {
        try await update(type, name, in: namespace) { object in
            guard let text = object.metadata.annotations[Self.annotationKey], try Self.mark(text).intent == intent else { return nil }
            var patch = try change(object)
            patch["metadata"] = ["annotations": [Self.annotationKey: nil]]
            return patch
        }
    }

    /// Changes an object as it is when the change arrives: one that somebody else has changed meanwhile is looked at anew.
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

    /// The object that an intent is about, as in ``Found/object``.
    ///
    /// A user who may annotate an object must not be able to have another one changed.
    private static func object(of intent: UndoIntent) throws(FaultError) -> String {
        switch Kind(rawValue: intent.kind) {
        case .runCommand where intent.parameters["lease"] != nil: lease(try intent.text("lease"), in: try intent.text("namespace"))
        case .uncordonNode, .removeTaint, .runCommand: "node/\(try intent.text("node"))"
        case .deletePod, .continueProcess: "pod/\(try intent.text("namespace"))/\(try intent.text("pod"))"
        case nil: throw FaultError(.refused, "this version does not know how to undo '\(intent.kind)'")
        }
    }

    /// A lease as in ``Found/object``.
    public static func lease(_ name: String, in namespace: String) -> String { "lease/\(namespace)/\(name)" }

    private static func mark(_ text: String) throws -> Mark {
        try JSONDecoder().decode(Mark.self, from: Data(text.utf8))
    }

    /// An intent that an object in the cluster carries.
    public struct Found: Sendable, Hashable {
        public var runID: String
        public var intent: UndoIntent
        /// `node/NAME`, `pod/NAMESPACE/NAME` or `lease/NAMESPACE/NAME`.
        public var object: String
    }

    /// Every mark on the pods and leases of `scope` and, unless they are left out, on the cluster's nodes.
    ///
    /// - Throws: the API's error, and for a mark that cannot be read one that names its object.
    public func marks(in scope: NamespaceScope, nodes includingNodes: Bool = true) async throws -> [Found] {
        func objects<Resource: KubernetesResource>(_ type: Resource.Type, _ name: String, in scope: NamespaceScope) async throws
            -> [(ObjectMeta, String)]
        {
            try await client.list(type, in: scope).items.map { object in
                let path = [name, object.metadata.namespace, object.metadata.name].compactMap(\.self)
                return (object.metadata, path.joined(separator: "/"))
            }
        }
        var marked = includingNodes ? try await objects(Node.self, "node", in: .all) : []
        marked += try await objects(Pod.self, "pod", in: scope)
        marked += try await objects(Lease.self, "lease", in: scope)
        return try marked.compactMap { metadata, object in
            guard let text = metadata.annotations[Self.annotationKey] else { return nil }
            do {
                let mark = try Self.mark(text)
                guard try Self.object(of: mark.intent) == object else { throw FaultError(.refused, "it is about another object") }
                return Found(runID: mark.runID, intent: mark.intent, object: object)
            } catch {
                throw FaultError(
                    .refused, "the annotation \(Self.annotationKey) of \(object) cannot be read",
                    hint: "look at it with kubectl, put the object back by hand and remove the annotation")
            }
        }
    }
}
