import JSON
import SandboxStore

/// Reads the part of CEL that ``Expression`` evaluates.
struct ExpressionParser {
    private static let longest = 4096
    private static let deepest = 50
    private static let levels: [Set<String>] = [
        ["||"], ["&&"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["*", "/", "%"],
    ]

    private enum Token: Equatable {
        case name(String)
        case number(Int64)
        case text(String)
        case sign(String)
    }

    private var tokens: [Token] = []
    private var position = 0
    private var depth = 0

    static func parse(_ text: String) throws(Expression.Failure) -> Expression {
        guard text.utf8.count <= longest else { throw Expression.Failure(message: "it is longer than \(longest) bytes") }
        var parser = ExpressionParser()
        try parser.read(text)
        let expression = try parser.condition()
        if let token = parser.peek { throw parser.unexpected(token) }
        return expression
    }

    private func unexpected(_ token: Token?) -> Expression.Failure {
        let name: String =
            switch token {
            case .name(let text), .sign(let text): "\"\(text)\""
            case .number(let number): String(number)
            case .text(let text): "'\(text)'"
            case nil: "the end"
            }
        return Expression.Failure(message: "the sandbox evaluates a part of CEL only, and does not know \(name) here")
    }

    // MARK: Tokens

    private mutating func read(_ text: String) throws(Expression.Failure) {
        var rest = Substring(text)
        while let first = rest.first {
            if first.isWhitespace {
                rest.removeFirst()
            } else if first == "\"" || first == "'" {
                rest.removeFirst()
                tokens.append(.text(try Self.quoted(&rest, first)))
            } else if first.isASCII, first.isNumber {
                let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0.isLetter || $0 == ".") }
                guard let number = Int64(digits) else {
                    throw Expression.Failure(message: "the sandbox evaluates whole numbers only, not \(digits)")
                }
                tokens.append(.number(number))
                rest = rest.dropFirst(digits.count)
            } else if first.isLetter || first == "_" {
                let name = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
                tokens.append(.name(String(name)))
                rest = rest.dropFirst(name.count)
            } else {
                let pair = String(rest.prefix(2))
                let sign = ["&&", "||", "==", "!=", "<=", ">="].contains(pair) ? pair : String(first)
                tokens.append(.sign(sign))
                rest = rest.dropFirst(sign.count)
            }
        }
    }

    private static func quoted(_ rest: inout Substring, _ quote: Character) throws(Expression.Failure) -> String {
        var text = ""
        while let character = rest.popFirst() {
            if character == quote { return text }
            guard character == "\\" else {
                text.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case let other?: text.append(other)
            case nil: break
            }
        }
        throw Expression.Failure(message: "a text has no closing quote")
    }

    private var peek: Token? { position < tokens.count ? tokens[position] : nil }

    private mutating func take(_ sign: String) -> Bool {
        guard peek == .sign(sign) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ sign: String) throws(Expression.Failure) {
        guard take(sign) else { throw unexpected(peek) }
    }

    private mutating func takeName() throws(Expression.Failure) -> String {
        guard case .name(let name)? = peek else { throw unexpected(peek) }
        position += 1
        return name
    }

    // MARK: Grammar

    private mutating func condition() throws(Expression.Failure) -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw Expression.Failure(message: "it nests more than \(Self.deepest) deep") }
        let first = try operation(0)
        guard take("?") else { return first }
        let yes = try condition()
        try expect(":")
        return .condition(first, yes, try condition())
    }

    private mutating func operation(_ level: Int) throws(Expression.Failure) -> Expression {
        guard level < Self.levels.count else { return try unary() }
        var left = try operation(level + 1)
        while let sign = sign(of: level) {
            position += 1
            left = .binary(sign, left, try operation(level + 1))
        }
        return left
    }

    private func sign(of level: Int) -> String? {
        switch peek {
        case .sign(let sign) where Self.levels[level].contains(sign): sign
        case .name("in") where Self.levels[level].contains("in"): "in"
        default: nil
        }
    }

    private mutating func unary() throws(Expression.Failure) -> Expression {
        var signs: [String] = []
        while case .sign(let sign)? = peek, sign == "!" || sign == "-" {
            position += 1
            signs.append(sign)
        }
        guard signs.count <= Self.deepest else { throw Expression.Failure(message: "it nests more than \(Self.deepest) deep") }
        return signs.reversed().reduce(try postfix()) { .unary($1, $0) }
    }

    private mutating func postfix() throws(Expression.Failure) -> Expression {
        var target = try primary()
        while true {
            if take("[") {
                target = .index(target, try condition())
                try expect("]")
            } else if take(".") {
                let name = try takeName()
                target = take("(") ? try method(name, of: target) : .member(target, name)
            } else {
                return target
            }
        }
    }

    private mutating func method(_ name: String, of target: Expression) throws(Expression.Failure) -> Expression {
        if Expression.macros.contains(name) {
            let variable = try takeName()
            try expect(",")
            let body = try condition()
            try expect(")")
            return .macro(name, target, variable, body)
        }
        guard Expression.functions.contains(name) else { throw unexpected(.name(name)) }
        return .call(name, [target] + (try arguments(")")))
    }

    private mutating func arguments(_ end: String) throws(Expression.Failure) -> [Expression] {
        var result: [Expression] = []
        if take(end) { return result }
        repeat { result.append(try condition()) } while take(",")
        try expect(end)
        return result
    }

    private mutating func primary() throws(Expression.Failure) -> Expression {
        let token = peek
        position += 1
        switch token {
        case .number(let number): return .literal(.integer(number))
        case .text(let text): return .literal(.string(text))
        case .name("true"): return .literal(true)
        case .name("false"): return .literal(false)
        case .name("null"): return .literal(.null)
        case .name(let name):
            guard take("(") else { return .name(name) }
            guard Expression.functions.contains(name) else { throw unexpected(token) }
            return .call(name, try arguments(")"))
        case .sign("("):
            let inner = try condition()
            try expect(")")
            return inner
        case .sign("["): return .list(try arguments("]"))
        default: throw unexpected(token)
        }
    }
}
