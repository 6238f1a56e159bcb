public import JSON

/// `metav1.DeleteOptions`, also of evictions.
public struct DeleteOptions: Sendable, Hashable {
    /// `nil` for the object's own; 0 removes a pod's object at once, while its processes may still run.
    public var gracePeriodSeconds: Int?
    /// The UID precondition: the deletion is refused (``KubernetesError/Code/conflict``) if another object has this name now.
    public var uid: String?
    public var resourceVersion: String?
    /// `Background`, `Foreground` or `Orphan`.
    public var propagationPolicy: String?
    /// Is `true` for a dry run, which is checked but not executed.
    public var dryRun: Bool

    public init(
        gracePeriodSeconds: Int? = nil, uid: String? = nil, resourceVersion: String? = nil, propagationPolicy: String? = nil,
        dryRun: Bool = false
    ) {
        self.gracePeriodSeconds = gracePeriodSeconds
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.propagationPolicy = propagationPolicy
        self.dryRun = dryRun
    }

    var body: JSONValue {
        var body: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
        if let gracePeriodSeconds { body["gracePeriodSeconds"] = .integer(Int64(gracePeriodSeconds)) }
        var preconditions: [String: JSONValue] = [:]
        if let uid { preconditions["uid"] = .string(uid) }
        if let resourceVersion { preconditions["resourceVersion"] = .string(resourceVersion) }
        if !preconditions.isEmpty { body["preconditions"] = .object(preconditions) }
        if let propagationPolicy { body["propagationPolicy"] = .string(propagationPolicy) }
        if dryRun { body["dryRun"] = ["All"] }
        return body
    }
}

/// A change of an object, in one of the API's three forms.
public enum Patch: Sendable, Hashable {
    /// Merges lists by their keys; for the built-in kinds.
    case strategic(JSONValue)
    /// RFC 7386: `null` removes, lists are replaced.
    case merge(JSONValue)
    /// RFC 6902, with `test` for a compare-and-set; a test that fails is ``KubernetesError/Code/invalid``.
    case json([Operation])

    public enum Operation: Sendable, Hashable {
        case test(path: String, JSONValue)
        case add(path: String, JSONValue)
        case replace(path: String, JSONValue)
        case remove(path: String)

        var body: JSONValue {
            switch self {
            case .test(let path, let value): ["op": "test", "path": .string(path), "value": value]
            case .add(let path, let value): ["op": "add", "path": .string(path), "value": value]
            case .replace(let path, let value): ["op": "replace", "path": .string(path), "value": value]
            case .remove(let path): ["op": "remove", "path": .string(path)]
            }
        }
    }

    var body: JSONValue {
        switch self {
        case .strategic(let value), .merge(let value): value
        case .json(let operations): .array(operations.map(\.body))
        }
    }

    var contentType: String {
        switch self {
        case .strategic: "application/strategic-merge-patch+json"
        case .merge: "application/merge-patch+json"
        case .json: "application/json-patch+json"
        }
    }
}

/// The part of a container's log to read.
public struct LogOptions: Sendable, Hashable {
    /// The container. Needed if the pod has several.
    public var container: String?
    /// Is `true` for the log of the instance before the last restart.
    public var previous: Bool
    public var tailLines: Int?
    public var sinceSeconds: Int?
    public var timestamps: Bool
    public var limitBytes: Int?
    /// RFC 3339.
    public var sinceTime: String?

    public init(
        container: String? = nil, previous: Bool = false, tailLines: Int? = nil, sinceSeconds: Int? = nil, timestamps: Bool = false,
        limitBytes: Int? = nil, sinceTime: String? = nil
    ) {
        self.sinceTime = sinceTime
        self.container = container
        self.previous = previous
        self.tailLines = tailLines
        self.sinceSeconds = sinceSeconds
        self.timestamps = timestamps
        self.limitBytes = limitBytes
    }

    var query: [(name: String, value: String)] {
        var query: [(name: String, value: String)] = []
        if let container { query.append(("container", container)) }
        if previous { query.append(("previous", "true")) }
        if let tailLines { query.append(("tailLines", "\(tailLines)")) }
        if let sinceSeconds { query.append(("sinceSeconds", "\(sinceSeconds)")) }
        if timestamps { query.append(("timestamps", "true")) }
        if let sinceTime { query.append(("sinceTime", sinceTime)) }
        if let limitBytes { query.append(("limitBytes", "\(limitBytes)")) }
        return query
    }
}
