/// An ERROR as SQL Server would report it: number, severity ("class"), state, text and line.
///
/// Numbers and texts are those of `sys.messages`; where the sandbox refuses something SQL Server takes, it says so with number 40510.
struct SQLError: Error, Equatable {
    /// The other parts that end with the statement.
    enum Scope: Equatable {
        /// The statement alone; the batch goes on, unless `XACT_ABORT` is on.
        case statement
        /// The rest of the batch; an open transaction stays open.
        case batch
        /// The rest of the batch, and an open transaction is rolled back.
        case transaction
    }

    var number: Int32
    var level: UInt8 = 16
    var state: UInt8 = 1
    var message: String
    var line: Int = 1
    var scope: Scope = .statement

    func at(line: Int) -> SQLError {
        var error = self
        error.line = line
        return error
    }
}

extension SQLError {
    static func syntax(near text: String, line: Int) -> SQLError {
        SQLError(number: 102, level: 15, message: "Incorrect syntax near '\(text)'.", line: line, scope: .batch)
    }

    static func syntax(nearKeyword text: String, line: Int) -> SQLError {
        SQLError(number: 156, level: 15, message: "Incorrect syntax near the keyword '\(text)'.", line: line, scope: .batch)
    }

    /// Number 40510 is what Azure SQL answers to a statement that SQL Server knows and this server does not.
    static func unsupported(_ what: String, line: Int = 1) -> SQLError {
        SQLError(
            number: 40510,
            message: "'\(what)' is not supported by the sandbox, which takes a subset of T-SQL (docs/sandbox-sql.md).",
            line: line, scope: .batch)
    }

    static func invalidObject(_ name: String) -> SQLError {
        SQLError(number: 208, message: "Invalid object name '\(name)'.", scope: .batch)
    }

    static func invalidColumn(_ name: String) -> SQLError {
        SQLError(number: 207, message: "Invalid column name '\(name)'.", scope: .batch)
    }

    static func unbound(_ name: String) -> SQLError {
        SQLError(number: 4104, message: "The multi-part identifier \"\(name)\" could not be bound.", scope: .batch)
    }

    static func undeclared(_ variable: String) -> SQLError {
        SQLError(number: 137, level: 15, state: 2, message: "Must declare the scalar variable \"\(variable)\".", scope: .batch)
    }

    static func unknownDatabase(_ name: String) -> SQLError {
        SQLError(
            number: 911,
            message: "Database '\(name)' does not exist. Make sure that the name is entered correctly.", scope: .batch)
    }

    static func clash(_ left: DataType, _ right: DataType) -> SQLError {
        SQLError(
            number: 206, state: 2, message: "Operand type clash: \(left.name) is incompatible with \(right.name)",
            scope: .batch)
    }

    static func conversion(of text: String, from: DataType, to: DataType) -> SQLError {
        SQLError(
            number: 245,
            message: "Conversion failed when converting the \(from.name) value '\(text)' to data type \(to.name).",
            scope: .transaction)
    }

    static let temporalConversion = SQLError(
        number: 241, message: "Conversion failed when converting date and/or time from character string.", scope: .transaction)

    static func conversionFailure(from: DataType, to: DataType) -> SQLError {
        SQLError(number: 8114, state: 5, message: "Error converting data type \(from.name) to \(to.name).", scope: .transaction)
    }

    static func overflow(to type: DataType) -> SQLError {
        SQLError(
            number: 8115, state: 2, message: "Arithmetic overflow error converting expression to data type \(type.name).",
            scope: .statement)
    }

    static let divideByZero = SQLError(number: 8134, message: "Divide by zero error encountered.")

    static func explicitConversionNeeded(from: DataType, to: DataType) -> SQLError {
        SQLError(
            number: 257, state: 3,
            message:
                "Implicit conversion from data type \(from.name) to \(to.name) is not allowed. Use the CONVERT function to run this query.",
            scope: .batch)
    }

    static func conversionNotAllowed(from: DataType, to: DataType) -> SQLError {
        SQLError(
            number: 529, state: 2,
            message: "Explicit conversion from data type \(from.name) to \(to.name) is not allowed.", scope: .batch)
    }
}
