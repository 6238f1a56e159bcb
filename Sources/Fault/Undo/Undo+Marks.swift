import Foundation
import JSON
public import Journal
public import Kubernetes

/// The mark on a changed object, so that it can be put back even when the journal is lost.
extension Undo {
    struct Mark: Codable {
        var runID: String
        var intent: UndoIntent
    }

    /// `metadata.annotations` of an object that is created with its mark.
    static func annotation(_ intent: UndoIntent, runID: String) throws -> JSONValue {
        [annotationKey: .string(String(decoding: try JSONValue(encoding: Mark(runID: runID, intent: intent)).data(), as: UTF8.self))]
    }

    /// Puts the mark on an object, and the change with it where the API can do both at once.
    func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent, runID: String,
        and change: JSONValue = [:], resourceVersion: String? = nil
    ) async throws {
        var patch = change
        var metadata: JSONValue = ["annotations": try Self.annotation(intent, runID: runID)]
        if let resourceVersion { metadata["resourceVersion"] = .string(resourceVersion) }
        patch["metadata"] = metadata
        try await client.patch(type, name, in: namespace, .merge(patch))
    }

    /// Removes the mark.
    func unmark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, and change: JSONValue = [:]
    ) async throws {
        var patch = change
        patch["metadata"] = ["annotations": [Self.annotationKey: nil]]
        try await client.patch(type, name, in: namespace, .merge(patch))
    }

    /// An intent that an object in the cluster carries.
    public struct Found: Sendable, Hashable {
        public var runID: String
        public var intent: UndoIntent
        /// `node/NAME` or `pod/NAMESPACE/NAME`.
        public var object: String
    }

    /// Every mark on the pods of `scope` and, unless they are left out, on the cluster's nodes.
    ///
    /// - Throws: the API's error, and for a mark that cannot be read one that names its object.
    public func marks(in scope: NamespaceScope, nodes includingNodes: Bool = true) async throws -> [Found] {
        let nodes =
            includingNodes ? try await client.list(Node.self, in: .all).items.map { ($0.metadata, "node/\($0.metadata.name)") } : []
        let pods = try await client.list(Pod.self, in: scope).items
            .map { ($0.metadata, "pod/\($0.metadata.namespace ?? "")/\($0.metadata.name)") }
        return try (nodes + pods).compactMap { metadata, object in
            guard let text = metadata.annotations[Self.annotationKey] else { return nil }
            do {
                let mark = try JSONDecoder().decode(Mark.self, from: Data(text.utf8))
                return Found(runID: mark.runID, intent: mark.intent, object: object)
            } catch {
                throw FaultError(
                    .refused, "the annotation \(Self.annotationKey) of \(object) cannot be read",
                    hint: "look at it with kubectl, put the object back by hand and remove the annotation")
            }
        }
    }
}
