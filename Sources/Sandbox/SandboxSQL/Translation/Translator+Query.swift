extension Translator {
    typealias Translated = (sql: String, columns: [ResultColumn], assigned: [String])

    mutating func query(_ query: Query, isOutermost: Bool = false) throws(SQLError) -> Translated {
        guard query.selects.count > 1 else {
            return try single(query, isOutermost: isOutermost)
        }
        return try union(query)
    }

    private mutating func single(_ query: Query, isOutermost: Bool) throws(SQLError) -> Translated {
        let select = query.selects[0]
        scopes.append(Scope())
        defer { scopes.removeLast() }
        var sql = ""
        if let source = select.source { sql += " FROM " + (try self.source(source)) }
        if let filter = select.filter { sql += " WHERE " + (try condition(filter)) }
        let expressions = select.items.compactMap { item -> Expression? in
            switch item {
            case .all: nil
            case .expression(let expression, _), .assignment(_, let expression): expression
            }
        }
        let isGrouped = !select.groups.isEmpty || select.having != nil || expressions.contains { $0.containsAggregate }
        if !select.groups.isEmpty {
            let groups = try select.groups.map { expression throws(SQLError) in try scalar(expression) }
            // An integer in SQLite's GROUP BY would be the place of a column.
            sql += " GROUP BY " + groups.map { $0.constant == nil ? $0.collated : "+\($0.sql)" }.joined(separator: ", ")
        }
        if isGrouped { scopes[scopes.count - 1].groups = select.groups }
        scopes[scopes.count - 1].allowsAggregates = true
        if let having = select.having { sql += " HAVING " + (try condition(having)) }
        let items = try self.items(select.items)
        var listed = items.scalars.map { select.isDistinct ? $0.collated : $0.sql }
        // Names make no difference to a client, who gets them apart, but do to the user of a derived table.
        listed = zip(listed, items.columns).map { $1.name.isEmpty ? $0 : "\($0) AS \($1.name.quotedName)" }
        if isOutermost, items.columns.isEmpty { throw .syntax(near: "SELECT", line: 1) }
        sql = "SELECT \(select.isDistinct ? "DISTINCT " : "")\(listed.joined(separator: ", "))" + sql
        sql += try order(query.order, items: items, isDistinct: select.isDistinct)
        sql += try limit(query, top: select.top)
        return (sql, items.columns, items.assigned)
    }

    private mutating func union(_ query: Query) throws(SQLError) -> Translated {
        let parts = try query.selects.map { select throws(SQLError) -> Translated in
            let part = try self.query(Query(selects: [select]))
            guard part.assigned.isEmpty else { throw .syntax(near: "UNION", line: 1) }
            return part
        }
        let first = parts[0]
        guard parts.allSatisfy({ $0.columns.count == first.columns.count }) else {
            throw SQLError(
                number: 205,
                message:
                    "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
                scope: .batch)
        }
        var columns = first.columns
        for part in parts.dropFirst() {
            for index in columns.indices { columns[index].type = DataType.common(columns[index].type, part.columns[index].type) }
        }
        let names = columns.indices.map { "c\($0)" }
        var sql = ""
        for (index, part) in parts.enumerated() {
            let alias = nextAlias()
            if index > 0 { sql += query.unionAll[index - 1] ? " UNION ALL " : " UNION " }
            let converted = try names.indices.map { column throws(SQLError) in
                let raw = Scalar("\(alias).\(names[column])", part.columns[column].type)
                return "\(try convert(raw, to: columns[column].type, isExplicit: false).collated) AS \(names[column])"
            }
            sql += "SELECT \(converted.joined(separator: ", ")) FROM \(renamed(part.sql, count: names.count, prefix: "c")) AS \(alias)"
        }
        let alias = nextAlias()
        sql = "SELECT \(names.joined(separator: ", ")) FROM (\(sql)) AS \(alias)"
        var terms: [String] = []
        for item in query.order {
            guard let index = try place(of: item.expression, in: columns.map(\.name)) else {
                throw SQLError(
                    number: 104,
                    message:
                        "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.",
                    scope: .batch)
            }
            terms.append("\(Scalar(names[index], columns[index].type).collated)\(item.descending ? " DESC" : "")")
        }
        if !terms.isEmpty { sql += " ORDER BY " + terms.joined(separator: ", ") }
        sql += try limit(query, top: nil)
        return (sql, columns, [])
    }

    /// A subquery whose columns are called `prefix0`, `prefix1` ... whatever they were called before.
    private func renamed(_ sql: String, count: Int, prefix: String) -> String {
        // SQLite names the columns of VALUES itself; a first arm of UNION ALL that gives no rows names ours.
        let names = (0..<count).map { "NULL AS \(prefix)\($0)" }.joined(separator: ", ")
        return "(SELECT \(names) WHERE 0 UNION ALL SELECT * FROM (\(sql)))"
    }

    // MARK: Select list

    private struct Items {
        var scalars: [Scalar] = []
        var columns: [ResultColumn] = []
        var expressions: [Expression] = []
        var assigned: [String] = []
    }

    private mutating func items(_ list: [SelectItem]) throws(SQLError) -> Items {
        var items = Items()
        for item in list {
            switch item {
            case .all(let qualifier):
                let sources = scopes[scopes.count - 1].sources.filter {
                    qualifier.isEmpty || $0.alias.caseInsensitivelyEquals(qualifier.last ?? "")
                }
                guard !sources.isEmpty else {
                    throw qualifier.isEmpty
                        ? SQLError(number: 263, message: "Must specify table to select from.", scope: .batch)
                        : .unbound(qualifier.joined(separator: "."))
                }
                for source in sources {
                    for column in source.columns {
                        let expression = Expression.column([source.alias, column.name])
                        items.scalars.append(try scalar(expression))
                        items.columns.append(column)
                        items.expressions.append(expression)
                    }
                }
            case .expression(let expression, let alias):
                let scalar = try scalar(expression)
                items.scalars.append(scalar)
                items.columns.append(ResultColumn(name: alias ?? expression.impliedName, type: scalar.type))
                items.expressions.append(expression)
            case .assignment(let variable, let expression):
                guard let type = context.type(ofVariable: variable) else { throw .undeclared(variable) }
                let scalar = try convert(try scalar(expression), to: type, isExplicit: false)
                items.scalars.append(scalar)
                items.columns.append(ResultColumn(name: "", type: type))
                items.expressions.append(expression)
                items.assigned.append(variable)
            }
        }
        guard items.assigned.isEmpty || items.assigned.count == items.columns.count else {
            throw SQLError(
                number: 141, level: 15,
                message: "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.",
                scope: .batch)
        }
        return items
    }

    // MARK: ORDER BY, TOP, OFFSET

    /// An ordinal or a name of the select list, by which ORDER BY may name a column.
    private func place(of expression: Expression, in names: [String]) throws(SQLError) -> Int? {
        switch expression {
        case .literal(.integer(let digits)):
            guard let ordinal = Int(digits), (1...max(1, names.count)).contains(ordinal) else {
                throw SQLError(
                    number: 108,
                    message: "The ORDER BY position number \(digits) is out of range of the number of items in the select list.",
                    scope: .batch)
            }
            return ordinal - 1
        case .column(let parts) where parts.count == 1:
            return names.firstIndex { $0.caseInsensitivelyEquals(parts[0]) }
        default:
            return nil
        }
    }

    private mutating func order(_ order: [OrderItem], items: Items, isDistinct: Bool) throws(SQLError) -> String {
        guard !order.isEmpty else { return "" }
        var terms: [String] = []
        for item in order {
            let scalar: Scalar
            if let place = try place(of: item.expression, in: items.columns.map(\.name))
                ?? items.expressions.firstIndex(of: item.expression)
            {
                scalar = items.scalars[place]
            } else {
                guard !isDistinct else {
                    throw SQLError(
                        number: 145, message: "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
                        scope: .batch)
                }
                scalar = try self.scalar(item.expression)
            }
            let sql = scalar.constant == nil ? scalar.collated : "+\(scalar.sql)"
            terms.append(item.descending ? "\(sql) DESC" : sql)
        }
        return " ORDER BY " + terms.joined(separator: ", ")
    }

    private mutating func limit(_ query: Query, top: Expression?) throws(SQLError) -> String {
        if let top {
            guard query.offset == nil else {
                throw SQLError(number: 10741, message: "A TOP can not be used in the same query or sub-query as a OFFSET.", scope: .batch)
            }
            return " LIMIT \(try convert(try scalar(top), to: .bigint, isExplicit: false).sql)"
        }
        guard let offset = query.offset else { return "" }
        let skipped = try convert(try scalar(offset), to: .bigint, isExplicit: false).sql
        let fetched = try query.fetch.map { fetch throws(SQLError) in try convert(try scalar(fetch), to: .bigint, isExplicit: false).sql }
        return " LIMIT \(fetched ?? "-1") OFFSET \(skipped)"
    }

    // MARK: FROM

    private mutating func source(_ source: TableSource) throws(SQLError) -> String {
        switch source {
        case .table(let name, let alias, let hints):
            guard let table = try context.table(name) else { throw .invalidObject(name.text) }
            touchesTables = touchesTables || !table.isReadOnly
            wantsLock = wantsLock || !hints.isDisjoint(with: Parser.lockingHints)
            let columns = table.columns.map { ResultColumn(name: $0.name, type: $0.type) }
            return "\(table.sql) AS \(try add(alias ?? name.object, columns))"
        case .derived(let query, let alias, let names):
            // A derived table sees nothing of the query around it but what is outside of that.
            let outer = scopes.removeLast()
            let inner = try self.query(query)
            scopes.append(outer)
            return try derived(inner.sql, inner.columns, alias: alias, names: names)
        case .values(let rows, let alias, let names):
            return try values(rows, alias: alias, names: names)
        case .join(let kind, let left, let right, let condition):
            let leftSQL = try self.source(left)
            let rightSQL = try self.source(right)
            let joined = "\(leftSQL) \(kind.rawValue) \(grouped(right, rightSQL))"
            guard let condition else { return joined }
            return "\(joined) ON \(try self.condition(condition))"
        }
    }

    private func grouped(_ source: TableSource, _ sql: String) -> String {
        if case .join = source { "(\(sql))" } else { sql }
    }

    private mutating func add(_ alias: String, _ columns: [ResultColumn]) throws(SQLError) -> String {
        let scope = scopes.count - 1
        guard !scopes[scope].sources.contains(where: { $0.alias.caseInsensitivelyEquals(alias) }) else {
            throw SQLError(
                number: 1011, message: "The correlation name '\(alias)' is specified multiple times in a FROM clause.", scope: .batch)
        }
        let sqlAlias = nextAlias()
        scopes[scope].sources.append(Source(alias: alias, sqlAlias: sqlAlias, columns: columns))
        return sqlAlias
    }

    private mutating func derived(_ sql: String, _ inner: [ResultColumn], alias: String, names: [String]) throws(SQLError) -> String {
        guard names.isEmpty || names.count == inner.count else {
            throw SQLError(
                number: 8158,
                message: "'\(alias)' has \(names.count < inner.count ? "fewer" : "more") columns than were specified in the column list.",
                scope: .batch)
        }
        var columns = inner
        for (index, name) in names.enumerated() { columns[index].name = name }
        if let index = columns.firstIndex(where: { $0.name.isEmpty }) {
            throw SQLError(
                number: 8155, state: 2, message: "No column name was specified for column \(index + 1) of '\(alias)'.", scope: .batch)
        }
        let listed = columns.enumerated().map { "c\($0) AS \($1.name.quotedName)" }.joined(separator: ", ")
        let sqlAlias = try add(alias, columns)
        return "(SELECT \(listed) FROM \(renamed(sql, count: columns.count, prefix: "c"))) AS \(sqlAlias)"
    }

    private mutating func values(_ rows: [[Expression]], alias: String, names: [String]) throws(SQLError) -> String {
        let scalars = try rows.map { row throws(SQLError) in try row.map { expression throws(SQLError) in try scalar(expression) } }
        let width = scalars[0].count
        guard scalars.allSatisfy({ $0.count == width }) else { throw .unevenValues }
        let types = try (0..<width).map { column throws(SQLError) in try commonType(scalars.map { $0[column] }) }
        let lines = try scalars.map { row throws(SQLError) in
            let line = try zip(row, types).map { pair throws(SQLError) in try convert(pair.0, to: pair.1, isExplicit: false).sql }
            return "(\(line.joined(separator: ", ")))"
        }
        let columns = types.map { ResultColumn(name: "", type: $0) }
        return try derived("VALUES \(lines.joined(separator: ", "))", columns, alias: alias, names: names)
    }
}

extension SQLError {
    static let unevenValues = SQLError(
        number: 10709, message: "The number of columns for each row in a table value constructor must be the same.", scope: .batch)
}

extension Expression {
    /// A column's own name; any other expression has none.
    var impliedName: String {
        if case .column(let parts) = self { parts.last ?? "" } else { "" }
    }

    /// Is `true` when an aggregate stands in it, subqueries left aside.
    var containsAggregate: Bool {
        switch self {
        case .literal, .variable, .global, .column, .exists, .subquery: false
        case .unary(_, let operand), .cast(let operand, _, _, _), .isNull(let operand, _), .inQuery(let operand, _, _):
            operand.containsAggregate
        case .binary(_, let left, let right): left.containsAggregate || right.containsAggregate
        case .function(let call): call.isAggregate || call.arguments.contains { $0.containsAggregate }
        case .choice(let operand, let branches, let otherwise):
            operand?.containsAggregate ?? false || otherwise?.containsAggregate ?? false
                || branches.contains { $0.condition.containsAggregate || $0.result.containsAggregate }
        case .inList(let operand, let values, _): operand.containsAggregate || values.contains { $0.containsAggregate }
        case .between(let operand, let low, let high, _): operand.containsAggregate || low.containsAggregate || high.containsAggregate
        case .like(let operand, let pattern, _, _): operand.containsAggregate || pattern.containsAggregate
        }
    }
}

extension Expression {
    var isColumn: Bool {
        if case .column = self { true } else { false }
    }
}

extension Query {
    /// Is `true` when there is at most one row by construction: an aggregate without groups, TOP 1, or nothing to read from.
    var hasOneRow: Bool {
        guard selects.count == 1 else { return false }
        if selects[0].source == nil || selects[0].top == .literal(.integer("1")) { return true }
        return selects[0].groups.isEmpty
            && selects[0].items.contains { item in
                if case .expression(let expression, _) = item { expression.containsAggregate } else { false }
            }
    }
}

extension FunctionCall {
    var isAggregate: Bool { ["COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG"].contains(name) }
}
