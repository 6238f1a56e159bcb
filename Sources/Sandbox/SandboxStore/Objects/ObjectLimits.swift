package import JSON

/// The limits of what the sandbox takes in: enough for any real manifest, and so little that no manifest can exhaust this machine's memory.
///
/// Kubernetes has limits of the same kind (1.5 MiB an object, 2 to 8 GiB in etcd, 110 pods a node); the sandbox's are smaller.
package enum ObjectLimits {
    /// The most values (numbers, texts, lists, objects) one object or request may hold.
    package static let values = 20_000
    /// The deepest nesting of values.
    package static let depth = 64
    /// The weight of one object; see ``JSONValue/weight(limit:)``.
    package static let objectWeight = 4 << 20
    /// The weight of all objects together.
    static let storeWeight = 192 << 20
    /// The weight of the changes that the event window of one resource holds.
    static let windowWeight = 16 << 20
    package static let pods = 2500
    package static let events = 4000

    /// Checks the shape of a request's body before it is decoded: structure costs many times its size in memory.
    package static func check(body: some Sequence<UInt8>) throws(APIError) {
        var values = 0
        var isText = false
        var isEscaped = false
        for byte in body {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else {
                    isText = byte != UInt8(ascii: "\"")
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: ","), UInt8(ascii: "{"), UInt8(ascii: "["): values += 1
            default: break
            }
            if values > ObjectLimits.values { throw tooLarge }
        }
    }

    package static func check(_ object: JSONValue) throws(APIError) {
        guard object.weight(limit: objectWeight) <= objectWeight else { throw tooLarge }
        guard !object.isDeeper(than: depth) else {
            throw .badRequest("the object nests values more than \(depth) deep, which no Kubernetes type does")
        }
    }

    package static let tooLarge = APIError(
        413, "RequestEntityTooLarge",
        "Request entity too large: the sandbox takes objects of up to \(values) values and \(objectWeight >> 20) MiB of memory")

    package static let full = APIError(
        500, "InternalError", "the sandbox holds \(storeWeight >> 20) MiB of objects, which is all it takes: delete some")
}

extension JSONValue {
    /// About how many bytes of memory the value takes. Counting ends soon after the limit: a value that shares its parts can stand for
    /// more than fits in any memory.
    package func weight(limit: Int) -> Int {
        var total = 0
        var values = 0
        add(to: &total, &values, limit)
        return total
    }

    private func add(to total: inout Int, _ values: inout Int, _ limit: Int) {
        values += 1
        total += 32
        if values > ObjectLimits.values { total = limit + 1 }
        guard total <= limit else { return }
        switch self {
        case .null, .bool, .integer, .double: break
        case .string(let text): total += text.utf8.count
        case .array(let elements):
            for element in elements where total <= limit { element.add(to: &total, &values, limit) }
        case .object(let members):
            total += 64
            for (key, member) in members where total <= limit {
                total += key.utf8.count
                member.add(to: &total, &values, limit)
            }
        }
    }

    func isDeeper(than depth: Int) -> Bool {
        guard depth > 0 else { return true }
        return switch self {
        case .null, .bool, .integer, .double, .string: false
        case .array(let elements): elements.contains { $0.isDeeper(than: depth - 1) }
        case .object(let members): members.values.contains { $0.isDeeper(than: depth - 1) }
        }
    }
}
