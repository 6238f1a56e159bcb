/// The syntax tree of the T-SQL subset.

/// A name of one to four parts, `database.schema.object`, as written.
struct ObjectName: Hashable {
    var parts: [String]

    var object: String { parts.last ?? "" }
    var schema: String? { parts.count > 1 ? parts[parts.count - 2] : nil }
    var database: String? { parts.count > 2 ? parts[parts.count - 3] : nil }
    var text: String { parts.joined(separator: ".") }
}

indirect enum Expression: Equatable {
    case literal(Literal)
    case variable(String)
    case global(String)
    case column([String])
    case unary(UnaryOperator, Expression)
    case binary(BinaryOperator, Expression, Expression)
    case function(FunctionCall)
    case cast(Expression, DataType, style: Int?, failsToNull: Bool)
    case choice(operand: Expression?, branches: [Branch], otherwise: Expression?)
    case isNull(Expression, negated: Bool)
    case inList(Expression, [Expression], negated: Bool)
    case inQuery(Expression, Query, negated: Bool)
    case between(Expression, Expression, Expression, negated: Bool)
    case like(Expression, pattern: Expression, escape: Expression?, negated: Bool)
    case exists(Query)
    case subquery(Query)

    struct Branch: Equatable {
        var condition: Expression
        var result: Expression
    }
}

enum Literal: Equatable {
    case null
    case integer(String)
    case decimal(String)
    case float(String)
    case string(String, national: Bool)
    case binary([UInt8])
}

enum UnaryOperator: Equatable { case plus, minus, bitNot, not }

enum BinaryOperator: String, Equatable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case modulo = "%"
    case bitAnd = "&"
    case bitOr = "|"
    case bitXor = "^"
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case and = "AND"
    case or = "OR"

    var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }
}

struct FunctionCall: Equatable {
    /// Upper case, without schema.
    var name: String
    var arguments: [Expression]
    var isStar = false
    var isDistinct = false
}

struct Query: Equatable {
    var selects: [Select]
    /// One less than ``selects``: whether the union at this place keeps duplicates.
    var unionAll: [Bool] = []
    var order: [OrderItem] = []
    var offset: Expression?
    var fetch: Expression?
}

struct OrderItem: Equatable {
    var expression: Expression
    var descending = false
}

struct Select: Equatable {
    var isDistinct = false
    var top: Expression?
    var items: [SelectItem]
    var source: TableSource?
    var filter: Expression?
    var groups: [Expression] = []
    var having: Expression?
}

enum SelectItem: Equatable {
    case all(of: [String])
    case expression(Expression, alias: String?)
    case assignment(variable: String, Expression)
}

indirect enum TableSource: Equatable {
    case table(ObjectName, alias: String?, hints: Set<String>)
    case derived(Query, alias: String, columns: [String])
    case values([[Expression]], alias: String, columns: [String])
    case join(JoinKind, TableSource, TableSource, on: Expression?)
}

enum JoinKind: String, Equatable {
    case inner = "JOIN"
    case left = "LEFT JOIN"
    case right = "RIGHT JOIN"
    case full = "FULL JOIN"
    case cross = "CROSS JOIN"
}
