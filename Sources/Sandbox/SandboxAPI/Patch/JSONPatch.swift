import JSON
import SandboxStore

/// RFC 6902.
enum JSONPatch {
    static func apply(_ patch: JSONValue, to original: JSONValue) throws(APIError) -> JSONValue {
        guard let operations = patch.array else { throw .badRequest("a JSON patch must be a JSON array of operations") }
        var document = original
        var copied = 0
        for (index, operation) in operations.enumerated() {
            do {
                try apply(operation, to: &document, &copied)
            } catch {
                throw Self.failure("JSON patch operation \(index): \(error.message)", error.code)
            }
        }
        return document
    }

    /// A failed operation is the request's fault, but not one of its form: the API server answers 422.
    private static func failure(_ message: String, _ code: Int = 422) -> APIError {
        if code == ObjectLimits.tooLarge.code { return ObjectLimits.tooLarge }
        return APIError(code, code == 422 ? "Invalid" : "BadRequest", message)
    }

    private static func apply(_ operation: JSONValue, to document: inout JSONValue, _ copied: inout Int) throws(APIError) {
        let path = try pointer(operation["path"], "path")
        switch operation["op"]?.string {
        case "add": try add(try value(operation), at: path[...], to: &document)
        case "replace":
            _ = try read(path, document)
            try remove(path[...], from: &document, allowsRoot: true)
            try add(try value(operation), at: path[...], to: &document)
        case "remove": try remove(path[...], from: &document, allowsRoot: false)
        case "test":
            guard try read(path, document) == (try value(operation)) else { throw failure("testing path \(text(path)) value failed") }
        case "copy":
            let source = try read(try pointer(operation["from"], "from"), document)
            // Copies of copies double each time.
            copied += source.weight(limit: ObjectLimits.objectWeight)
            guard copied <= ObjectLimits.objectWeight else { throw ObjectLimits.tooLarge }
            try add(source, at: path[...], to: &document)
        case "move":
            let source = try pointer(operation["from"], "from")
            let moved = try read(source, document)
            try remove(source[...], from: &document, allowsRoot: false)
            try add(moved, at: path[...], to: &document)
        case let other: throw .badRequest("unknown operation \"\(other ?? "")\"")
        }
    }

    private static func value(_ operation: JSONValue) throws(APIError) -> JSONValue {
        guard let value = operation["value"] else { throw .badRequest("the member \"value\" is missing") }
        return value
    }

    private static func pointer(_ value: JSONValue?, _ member: String) throws(APIError) -> [String] {
        guard let text = value?.string else { throw .badRequest("the member \"\(member)\" is missing") }
        if text.isEmpty { return [] }
        guard text.hasPrefix("/") else { throw .badRequest("\"\(text)\" is not a JSON pointer: it must begin with '/'") }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map { part in
            String(part).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }

    private static func text(_ path: [String]) -> String { "/" + path.joined(separator: "/") }

    private static func read(_ path: [String], _ document: JSONValue) throws(APIError) -> JSONValue {
        var value = document
        for token in path {
            guard let child = Int(token).flatMap({ value[$0] }) ?? value[token] else {
                throw failure("the path \(text(path)) does not exist")
            }
            value = child
        }
        return value
    }

    private static func add(_ new: JSONValue, at path: ArraySlice<String>, to document: inout JSONValue) throws(APIError) {
        try descend(path, &document) { parent, token throws(APIError) in
            guard let token else {
                parent = new
                return
            }
            if var elements = parent.array {
                let index = token == "-" ? elements.count : Int(token) ?? -1
                guard (0...elements.count).contains(index) else { throw failure("the index \(token) is out of bounds") }
                elements.insert(new, at: index)
                parent = .array(elements)
            } else if parent.object != nil {
                parent[token] = new
            } else {
                throw failure("\(token) cannot be added to something that is no object and no array")
            }
        }
    }

    private static func remove(_ path: ArraySlice<String>, from document: inout JSONValue, allowsRoot: Bool) throws(APIError) {
        try descend(path, &document) { parent, token throws(APIError) in
            guard let token else {
                guard allowsRoot else { throw failure("the whole object cannot be removed") }
                return
            }
            if var elements = parent.array {
                guard let index = Int(token), elements.indices.contains(index) else { throw failure("the index \(token) is out of bounds") }
                elements.remove(at: index)
                parent = .array(elements)
            } else if parent[token] != nil {
                parent[token] = nil
            } else {
                throw failure("\(token) does not exist")
            }
        }
    }

    /// Runs `body` on the value that holds the path's last token, or on the document itself for the empty path.
    private static func descend(
        _ path: ArraySlice<String>, _ value: inout JSONValue, _ body: (inout JSONValue, String?) throws(APIError) -> Void
    ) throws(APIError) {
        guard let token = path.first, path.count > 1 else { return try body(&value, path.first) }
        if var elements = value.array {
            guard let index = Int(token), elements.indices.contains(index) else { throw failure("the index \(token) is out of bounds") }
            try descend(path.dropFirst(), &elements[index], body)
            value = .array(elements)
        } else if var child = value[token] {
            try descend(path.dropFirst(), &child, body)
            value[token] = child
        } else {
            throw failure("\(token) does not exist")
        }
    }
}

/// RFC 7386.
enum MergePatch {
    static func apply(_ patch: JSONValue, to original: JSONValue) -> JSONValue {
        guard let members = patch.object else { return patch }
        var result = original.object ?? [:]
        for (key, value) in members {
            if value.isNull {
                result[key] = nil
            } else {
                result[key] = apply(value, to: result[key] ?? .null)
            }
        }
        return .object(result)
    }
}
