/// A kind of object that the API serves, with the fields of it that are used here.
///
/// Unknown fields are dropped when decoding; an object read this way is therefore never sent back as a whole:
/// changes go out as patches.
public protocol KubernetesResource: Codable, Sendable, Hashable {
    /// The API group; empty for the core group.
    static var group: String { get }
    /// The versions whose format this type reads, the preferred one first. The server's discovery decides which is used.
    static var versions: [String] { get }
    static var kind: String { get }
    /// The name in paths, for example `pods`.
    static var plural: String { get }
    static var isNamespaced: Bool { get }

    var metadata: ObjectMeta { get set }
}

extension KubernetesResource {
    public static var group: String { "" }
    public static var versions: [String] { ["v1"] }
    public static var isNamespaced: Bool { true }

    static func apiVersion(_ version: String) -> String { group.isEmpty ? version : "\(group)/\(version)" }
}

/// A complete, consistent list (all of its pages) and the version that it shows.
public struct ResourceList<Resource: KubernetesResource>: Sendable {
    public var items: [Resource]
    /// Where a watch continues from.
    public var resourceVersion: String
}

/// One page of a list as the server sends it.
struct ResourcePage<Resource: KubernetesResource>: Decodable {
    struct ListMeta: Decodable {
        var resourceVersion: String?
        var `continue`: String?
    }

    var metadata: ListMeta
    var items: [Resource]?
}
