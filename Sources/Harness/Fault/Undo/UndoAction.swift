public import Journal

/// The undo of one kind of change. Its JSON is the parameters of an ``UndoIntent``, in the journal and in the mark.
public protocol UndoAction: Codable, Sendable {
    /// The kind's name in journals and marks. It must not change, because old ones must stay readable.
    static var kind: String { get }
    /// The annotation that carries the mark.
    static var annotation: String { get }

    /// A sentence about the undo, for messages.
    var summary: String { get }
    /// The object that carries the mark. A user who may annotate one object must not be able to make the harness change another one.
    var object: MarkedObject { get }
    /// The reason why the user must agree to the undo, as others can write a journal or a mark; `nil` if it is harmless.
    var consent: String? { get }

    /// Undoes the change, and proves it by a new look at the cluster. A change that is undone already counts as proven.
    ///
    /// - Returns: the evidence.
    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String
}

extension UndoAction {
    public static var annotation: String { Undo.annotationKey }
    public var consent: String? { nil }
}

/// An object in the cluster that carries the mark of a change.
public struct MarkedObject: Sendable, Hashable, CustomStringConvertible {
    /// `node/NAME`, `pod/NAMESPACE/NAME` or `lease/NAMESPACE/NAME`.
    public let description: String

    public static func node(_ name: String) -> MarkedObject { MarkedObject(description: "node/\(name)") }

    public static func pod(_ name: String, in namespace: String) -> MarkedObject { MarkedObject(description: "pod/\(namespace)/\(name)") }

    public static func lease(_ name: String, in namespace: String) -> MarkedObject {
        MarkedObject(description: "lease/\(namespace)/\(name)")
    }
}
