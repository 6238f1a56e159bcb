public import Journal

/// The undo of one kind of change. Its coded form is the parameters of an ``UndoIntent``, in the journal and in the mark.
public protocol UndoAction: Codable, Sendable {
    /// The kind's name in journals and marks. It stays, so that old ones can be read.
    static var kind: String { get }
    /// The annotation that carries the mark.
    static var annotation: String { get }

    /// For people: the sentence that says what the undo does.
    var summary: String { get }
    /// The object that carries the mark. A user who may annotate an object must not be able to have another one changed.
    var object: MarkedObject { get }
    /// The reason not to carry it out unasked from a journal or a mark, which others can write; `nil` where that is harmless.
    var consent: String? { get }

    /// Undoes the change and proves it, by looking at the cluster again. A change that is undone already counts as proven.
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
