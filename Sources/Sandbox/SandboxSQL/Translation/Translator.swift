/// Translates statements of the T-SQL subset into SQLite's SQL, resolving names and types on the way.
struct Translator {
    let context: any TranslationContext
    private(set) var bindings: [Binding] = []
    var scopes: [Scope] = []
    private var sources = 0
    var touchesTables = false
    var wantsLock = false

    struct Source {
        var alias: String
        var sqlAlias: String
        var columns: [ResultColumn]
    }

    struct Scope {
        var sources: [Source] = []
        /// The expressions of GROUP BY; nil where there is no grouping at this level.
        var groups: [Expression]?
        /// Set while inside an aggregate, where any column may stand.
        var isInsideAggregate = false
        /// Is `true` when aggregates may stand here: not in WHERE, ON or GROUP BY.
        var allowsAggregates = false
    }

    init(_ context: any TranslationContext) {
        self.context = context
    }

    mutating func bind(_ binding: Binding) -> String {
        if let index = bindings.firstIndex(of: binding) { return "?\(index + 1)" }
        bindings.append(binding)
        return "?\(bindings.count)"
    }

    mutating func nextAlias() -> String {
        sources += 1
        return "s\(sources)"
    }

    func finish(_ sql: String) -> Translation {
        Translation(sql: sql, bindings: bindings, touchesTables: touchesTables, wantsLock: wantsLock)
    }

    /// A scalar on its own, such as the value of SET or the text of PRINT.
    static func value(_ expression: Expression, as type: DataType? = nil, in context: any TranslationContext) throws(SQLError)
        -> Translation
    {
        var translator = Translator(context)
        var scalar = try translator.scalar(expression)
        if let type { scalar = try translator.convert(scalar, to: type, isExplicit: false) }
        var translation = translator.finish("SELECT \(scalar.sql)")
        translation.columns = [ResultColumn(name: "", type: scalar.type)]
        return translation
    }

    /// A condition on its own, as in IF; its result is 1, 0 or NULL.
    static func condition(_ expression: Expression, in context: any TranslationContext) throws(SQLError) -> Translation {
        var translator = Translator(context)
        let condition = try translator.condition(expression)
        return translator.finish("SELECT \(condition)")
    }

    static func query(_ query: Query, in context: any TranslationContext) throws(SQLError) -> Translation {
        var translator = Translator(context)
        let (sql, columns, assigned) = try translator.query(query, isOutermost: true)
        var translation = translator.finish(sql)
        translation.columns = columns
        translation.assigned = assigned
        return translation
    }
}
