/// A lexical unit of T-SQL, as written, with the line it begins on.
struct Token: Equatable {
    enum Kind: Equatable {
        /// A bare word, keyword or not.
        case word
        /// `[name]` or, with QUOTED_IDENTIFIER ON, `"name"`.
        case quoted
        /// `'text'` or `N'text'`.
        case string(national: Bool)
        case integer
        case decimal
        case float
        case binary([UInt8])
        /// `@name`.
        case variable
        /// `@@name`.
        case global
        case symbol
        case end
    }

    var kind: Kind
    /// A name without its brackets, a string without its quotes, anything else as written.
    var text: String
    var line: Int
    /// Where the token ends in the batch, in UTF-8 bytes; with ``start`` it gives back the source of a whole construct.
    var start: Int
    var end: Int
}
