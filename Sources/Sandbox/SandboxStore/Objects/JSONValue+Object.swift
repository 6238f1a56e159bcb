package import JSON

/// Reading and changing Kubernetes objects that are kept as plain JSON.
extension JSONValue {
    /// The value at a path of members; `nil` when any of them is missing. Setting makes the objects on the way;
    /// setting `nil` removes the last member.
    package subscript(path first: String, rest: String...) -> JSONValue? {
        get {
            var value = self[first]
            for member in rest { value = value?[member] }
            return value
        }
        set { set(([first] + rest)[...], to: newValue) }
    }

    private mutating func set(_ path: ArraySlice<String>, to newValue: JSONValue?) {
        guard let first = path.first else { return }
        if path.count == 1 {
            if object == nil {
                guard newValue != nil else { return }
                self = .object([:])
            }
            self[first] = newValue
            return
        }
        var child = self[first] ?? .null
        if newValue == nil, child.object == nil { return }
        child.set(path.dropFirst(), to: newValue)
        if object == nil { self = .object([:]) }
        self[first] = child
    }

    package var kind: String { self["kind"]?.string ?? "" }
    package var apiVersion: String { self["apiVersion"]?.string ?? "" }
    package var name: String { self[path: "metadata", "name"]?.string ?? "" }
    package var namespace: String { self[path: "metadata", "namespace"]?.string ?? "" }
    package var uid: String { self[path: "metadata", "uid"]?.string ?? "" }
    package var resourceVersion: String { self[path: "metadata", "resourceVersion"]?.string ?? "" }
    package var generation: Int64 { self[path: "metadata", "generation"]?.integer ?? 0 }
    package var creationTimestamp: String { self[path: "metadata", "creationTimestamp"]?.string ?? "" }
    package var deletionTimestamp: String? { self[path: "metadata", "deletionTimestamp"]?.string }
    package var isBeingDeleted: Bool { deletionTimestamp != nil }

    package var labels: [String: String] { self[path: "metadata", "labels"]?.strings ?? [:] }
    package var annotations: [String: String] { self[path: "metadata", "annotations"]?.strings ?? [:] }
    package var finalizers: [String] {
        get { self[path: "metadata", "finalizers"]?.array?.compactMap(\.string) ?? [] }
        set { setList(newValue.map(JSONValue.string), "finalizers") }
    }
    package var ownerReferences: [JSONValue] {
        get { self[path: "metadata", "ownerReferences"]?.array ?? [] }
        set { setList(newValue, "ownerReferences") }
    }

    private mutating func setList(_ list: [JSONValue], _ member: String) {
        // Not a conditional expression: its `nil` would be a JSON null.
        if list.isEmpty {
            self[path: "metadata", member] = nil
        } else {
            self[path: "metadata", member] = .array(list)
        }
    }

    /// The owner that controls this object, where it has one.
    package var controllerReference: JSONValue? { ownerReferences.first { $0["controller"]?.bool == true } }

    /// The string members of an object (labels, annotations, selectors).
    package var strings: [String: String] { object?.compactMapValues(\.string) ?? [:] }

    package init(strings: [String: String]) { self = .object(strings.mapValues(JSONValue.string)) }

    /// The entry of `status.conditions` of one type.
    package func condition(_ type: String) -> JSONValue? {
        self[path: "status", "conditions"]?.array?.first { $0["type"]?.string == type }
    }
}

/// Completing and changing objects in place.
extension JSONValue {
    /// Sets a member that is missing or null.
    package mutating func fill(_ path: String..., with value: JSONValue) {
        if let present = path.reduce(Optional(self), { $0?[$1] }), !present.isNull { return }
        set(path[...], to: value)
    }

    /// Changes the value at a path, if there is one.
    package mutating func edit<Failure: Error>(_ path: String..., body: (inout JSONValue) throws(Failure) -> Void) throws(Failure) {
        guard var value = path.reduce(Optional(self), { $0?[$1] }) else { return }
        try body(&value)
        set(path[...], to: value)
    }

    /// Changes every element of the list at a path, if there is one.
    package mutating func editEach<Failure: Error>(_ path: String..., body: (inout JSONValue) throws(Failure) -> Void) throws(Failure) {
        guard var elements = path.reduce(Optional(self), { $0?[$1] })?.array else { return }
        for index in elements.indices { try body(&elements[index]) }
        set(path[...], to: .array(elements))
    }
}
