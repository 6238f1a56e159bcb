import JSON
import SandboxStore

/// A part of the Common Expression Language (https://kubernetes.io/docs/reference/using-api/cel/): literals, operators, fields, indices,
/// `has`, `size`, the text functions and the list macros. Everything else is refused when the policy is created.
indirect enum Expression: Sendable {
    case literal(JSONValue)
    case name(String)
    case member(Expression, String)
    case index(Expression, Expression)
    case list([Expression])
    case unary(String, Expression)
    case binary(String, Expression, Expression)
    case condition(Expression, Expression, Expression)
    /// A function, or a method of its first argument.
    case call(String, [Expression])
    /// A macro over a list: its name, the list, the variable and the expression of each element.
    case macro(String, Expression, String, Expression)

    struct Failure: Error {
        let message: String
    }
}

// MARK: Evaluation

extension Expression {
    static let functions: Set = ["size", "startsWith", "endsWith", "contains", "lowerAscii", "upperAscii", "string", "int", "has"]
    static let macros: Set = ["all", "exists", "exists_one", "filter", "map"]

    func value(_ names: [String: JSONValue]) throws(Failure) -> JSONValue {
        switch self {
        case .literal(let value): return value
        case .name(let name):
            guard let value = names[name] else { throw Failure(message: "undeclared reference to '\(name)'") }
            return value
        case .member(let target, let name):
            guard let value = try target.value(names)[name] else { throw Failure(message: "no such key: \(name)") }
            return value
        case .index(let target, let index): return try Self.element(of: try target.value(names), try index.value(names))
        case .list(let elements): return .array(try Self.map(elements) { element throws(Failure) in try element.value(names) })
        case .unary("!", let operand): return .bool(!(try operand.isTrue(names)))
        case .unary(_, let operand):
            guard let number = try operand.value(names).integer, number != .min else { throw Failure(message: "no such overload") }
            return .integer(-number)
        case .binary("&&", let left, let right): return .bool(try Self.decide(left, right, names, by: false))
        case .binary("||", let left, let right): return .bool(try Self.decide(left, right, names, by: true))
        case .binary(let sign, let left, let right): return try Self.combine(sign, try left.value(names), try right.value(names))
        case .condition(let condition, let yes, let no): return try condition.isTrue(names) ? yes.value(names) : no.value(names)
        case .call("has", let arguments):
            guard case .member(let target, let name)? = arguments.first else { throw Failure(message: "has() needs a field") }
            return .bool(try target.value(names)[name].map { !$0.isNull } ?? false)
        case .call(let name, let arguments):
            return try Self.apply(name, try Self.map(arguments) { argument throws(Failure) in try argument.value(names) })
        case .macro(let macro, let list, let variable, let body): return try Self.run(macro, try list.value(names), variable, body, names)
        }
    }

    func isTrue(_ names: [String: JSONValue]) throws(Failure) -> Bool {
        guard let flag = try value(names).bool else { throw Failure(message: "the expression is no boolean") }
        return flag
    }

    private static func map<Element, Result>(
        _ elements: [Element], _ body: (Element) throws(Failure) -> Result
    ) throws(Failure) -> [Result] {
        var result: [Result] = []
        for element in elements { result.append(try body(element)) }
        return result
    }

    /// `&&` and `||`: an operand that decides alone makes the other's failure unimportant, on either side.
    private static func decide(
        _ left: Expression, _ right: Expression, _ names: [String: JSONValue], by decisive: Bool
    ) throws(Failure) -> Bool {
        do throws(Failure) {
            if try left.isTrue(names) == decisive { return decisive }
        } catch {
            if try right.isTrue(names) == decisive { return decisive }
            throw error
        }
        return try right.isTrue(names)
    }

    private static func element(of target: JSONValue, _ index: JSONValue) throws(Failure) -> JSONValue {
        if let number = index.integer, let element = Int(exactly: number).flatMap({ target[$0] }) { return element }
        if let key = index.string, let member = target[key] { return member }
        throw Failure(message: "no such key or index")
    }

    private static func combine(_ sign: String, _ left: JSONValue, _ right: JSONValue) throws(Failure) -> JSONValue {
        switch sign {
        case "==": return .bool(left == right)
        case "!=": return .bool(left != right)
        case "in": return .bool(right.array?.contains(left) ?? (left.string.flatMap { right[$0] } != nil))
        default: break
        }
        if let left = left.string, let right = right.string {
            switch sign {
            case "+": return .string(left + right)
            case "<": return .bool(left < right)
            case "<=": return .bool(left <= right)
            case ">": return .bool(left > right)
            case ">=": return .bool(left >= right)
            default: break
            }
        }
        if sign == "+", let left = left.array, let right = right.array { return .array(left + right) }
        if let left = left.integer, let right = right.integer { return try combine(sign, left, right) }
        throw Failure(message: "no such overload for \(sign)")
    }

    private static func combine(_ sign: String, _ left: Int64, _ right: Int64) throws(Failure) -> JSONValue {
        func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(Failure) -> JSONValue {
            guard !result.overflow else { throw Failure(message: "integer overflow or division by zero") }
            return .integer(result.partialValue)
        }
        switch sign {
        case "<": return .bool(left < right)
        case "<=": return .bool(left <= right)
        case ">": return .bool(left > right)
        case ">=": return .bool(left >= right)
        case "+": return try checked(left.addingReportingOverflow(right))
        case "-": return try checked(left.subtractingReportingOverflow(right))
        case "*": return try checked(left.multipliedReportingOverflow(by: right))
        case "/": return try checked(left.dividedReportingOverflow(by: right))
        default: return try checked(left.remainderReportingOverflow(dividingBy: right))
        }
    }

    private static func apply(_ name: String, _ arguments: [JSONValue]) throws(Failure) -> JSONValue {
        let first = arguments.first ?? .null
        if name == "size" {
            let size = first.array?.count ?? first.object?.count ?? first.string?.unicodeScalars.count
            if let size { return .integer(Int64(size)) }
        }
        if name == "int", let number = first.integer ?? first.string.flatMap({ Int64($0) }) { return .integer(number) }
        if name == "string", let text = first.string ?? first.integer.map(String.init) ?? first.bool.map(String.init) {
            return .string(text)
        }
        if let text = first.string {
            if name == "lowerAscii" { return .string(text.lowercased()) }
            if name == "upperAscii" { return .string(text.uppercased()) }
            if arguments.count == 2, let other = arguments[1].string {
                switch name {
                case "startsWith": return .bool(text.hasPrefix(other))
                case "endsWith": return .bool(text.hasSuffix(other))
                case "contains": return .bool(other.isEmpty || text.contains(other))
                default: break
                }
            }
        }
        throw Failure(message: "no such overload: \(name)")
    }

    private static func run(
        _ macro: String, _ list: JSONValue, _ variable: String, _ body: Expression, _ names: [String: JSONValue]
    ) throws(Failure) -> JSONValue {
        let elements = list.array ?? list.object.map { $0.keys.sorted().map(JSONValue.string) }
        guard let elements else { throw Failure(message: "\(macro) needs a list or a map") }
        func inner(_ element: JSONValue) -> [String: JSONValue] { names.merging([variable: element]) { $1 } }
        if macro == "map" { return .array(try map(elements) { element throws(Failure) in try body.value(inner(element)) }) }
        var matching: [JSONValue] = []
        for element in elements where try body.isTrue(inner(element)) { matching.append(element) }
        switch macro {
        case "all": return .bool(matching.count == elements.count)
        case "exists": return .bool(!matching.isEmpty)
        case "exists_one": return .bool(matching.count == 1)
        default: return .array(matching)
        }
    }
}
