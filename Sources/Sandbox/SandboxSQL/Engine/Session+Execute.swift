extension Session {
    /// Runs a batch. Errors go to the sink; what is thrown says that nothing of the batch is to run any more.
    func execute(batch text: String, _ sink: any ResultSink) throws(SessionEnd) {
        let statements: [Statement]
        do throws(SQLError) {
            statements = try Parser.statements(of: text, quotedIdentifiers: options.quotedIdentifier)
        } catch {
            report(error, sink)
            throw .failed
        }
        try run(statements, sink)
    }

    /// `sp_executesql`: a batch with variables of its own.
    ///
    /// - Returns: what the variables hold at the end, for output parameters.
    @discardableResult
    func execute(_ batch: PreparedBatch, values: [String: SQLValue], _ sink: any ResultSink) throws(SessionEnd) -> [String: SQLValue] {
        let outer = variables
        defer { variables = outer }
        variables = [:]
        for declaration in batch.declarations {
            let name = declaration.name.lowercased()
            variables[name] = Variable(type: declaration.type, value: values[name] ?? .null)
        }
        try execute(batch: batch.text, sink)
        return variables.mapValues(\.value)
    }

    private func run(_ statements: [Statement], _ sink: any ResultSink) throws(SessionEnd) {
        for statement in statements { try run(statement, sink) }
    }

    private func run(_ statement: Statement, _ sink: any ResultSink) throws(SessionEnd) {
        guard !isCancelled() else { throw .cancelled }
        do throws(StatementFailure) {
            try perform(statement, sink)
            if !statement.body.keepsError { lastError = 0 }
        } catch {
            switch error {
            case .end(let end): throw end
            case .error(let error): try fail(error.at(line: statement.line), sink)
            }
        }
    }

    /// Reports an error and decides what else ends with its statement.
    func fail(_ error: SQLError, _ sink: any ResultSink) throws(SessionEnd) {
        lastError = error.number
        lastRowCount = 0
        var dooms = error.scope == .transaction || (options.xactAbort && error.level > 10)
        // An interrupted or failing write can take SQLite's whole transaction with it.
        if transaction.count > 0, !transaction.locked.isEmpty, !connection.isInTransaction { dooms = true }
        sink.error(error)
        if dooms, transaction.count > 0 {
            let descriptor = transaction.descriptor
            endTransaction(commit: false)
            sink.change(.transactionRolledBack(descriptor))
        }
        sink.done(StatementEnd(count: nil, command: .none, isError: true, isInTransaction: transaction.count > 0))
        if error.level >= 20 { throw .closed }
        if dooms || error.scope != .statement { throw .failed }
    }

    private func report(_ error: SQLError, _ sink: any ResultSink) {
        lastError = error.number
        sink.error(error)
        sink.done(StatementEnd(count: nil, command: .none, isError: true, isInTransaction: transaction.count > 0))
    }

    func done(_ command: StatementEnd.Command, count: Int? = nil, _ sink: any ResultSink) {
        sink.done(StatementEnd(count: options.noCount ? nil : count, command: command, isInTransaction: transaction.count > 0))
    }

    private func perform(_ statement: Statement, _ sink: any ResultSink) throws(StatementFailure) {
        switch statement.body {
        case .select(let query): try select(query, sink)
        case .insert(let insert):
            let count = try stealing(insert) { () throws(StatementFailure) -> Int in
                try change("INSERT", sink) { () throws(SQLError) in
                    let isIdentityInsert = options.identityInsert == (try table(insert.table))?.fullName
                    return try Translator.insert(insert, into: self, insertsIdentity: isIdentityInsert)
                }
            }
            done(.insert, count: count, sink)
        case .update(let update):
            done(.update, count: try change("UPDATE", sink) { () throws(SQLError) in try Translator.update(update, in: self) }, sink)
        case .delete(let delete):
            done(.delete, count: try change("DELETE", sink) { () throws(SQLError) in try Translator.delete(delete, in: self) }, sink)
        case .truncate(let table):
            try define { () throws(SQLError) in try truncate(table) }
            done(.delete, sink)
        case .createDatabase(let name):
            try define { () throws(SQLError) in
                try outsideTransaction("CREATE DATABASE")
                try createDatabase(name)
            }
            done(.none, sink)
        case .dropDatabase(let names, let ifExists):
            try define { () throws(SQLError) in
                try outsideTransaction("DROP DATABASE")
                for name in names where !ifExists || server.databases[name] != nil { try dropDatabase(name) }
            }
            done(.none, sink)
        case .createTable(let definition):
            try define { () throws(SQLError) in try create(definition) }
            done(.createTable, sink)
        case .dropTable(let tables, let ifExists):
            try define { () throws(SQLError) in
                for table in tables { try drop(table, ifExists: ifExists) }
            }
            done(.dropTable, sink)
        case .createIndex(let index):
            try define { () throws(SQLError) in try create(index) }
            done(.none, sink)
        case .dropIndex(let name, let table, let ifExists):
            try define { () throws(SQLError) in try dropIndex(name, on: table, ifExists: ifExists) }
            done(.none, sink)
        case .login(let change):
            try define { () throws(SQLError) in
                try demandAdministrator()
                switch change {
                case .create(let name, let password): try server.logins.create(name, password: password)
                case .drop(let name): try server.logins.drop(name)
                case .set(let permissions, let name, let granted): try server.logins.set(permissions, of: name, granted: granted)
                }
            }
            done(.none, sink)
        case .use(let name):
            try define { () throws(SQLError) in try use(name, sink) }
            done(.none, sink)
        case .begin:
            try define { () throws(SQLError) in try beginTransaction(sink) }
            done(.begin, sink)
        case .commit:
            try define { () throws(SQLError) in try commitTransaction(sink) }
            done(.commit, sink)
        case .rollback:
            try define { () throws(SQLError) in try rollbackTransaction(sink) }
            done(.rollback, sink)
        case .declare(let declarations):
            for declaration in declarations {
                let name = declaration.name.lowercased()
                guard variables[name] == nil else {
                    throw .error(
                        SQLError(
                            number: 134, level: 15,
                            message:
                                "The variable name '\(declaration.name)' has already been declared. Variable names must be unique within a query batch or stored procedure.",
                            scope: .batch))
                }
                variables[name] = Variable(type: declaration.type, value: .null)
                if let value = declaration.value { try assign(value, to: declaration.name) }
            }
        case .assign(let name, let value):
            try assign(value, to: name)
        case .setOption(let option):
            try define { () throws(SQLError) in try set(option) }
            done(.set, sink)
        case .condition(let condition, let then, let otherwise):
            let isTrue = try single(try translated { () throws(SQLError) in try Translator.condition(condition, in: self) })
            if isTrue == .integer(1) {
                try nested([then], sink)
            } else if let otherwise {
                try nested([otherwise], sink)
            }
        case .block(let statements):
            try nested(statements, sink)
        case .print(let expression):
            let value = try single(try translated { () throws(SQLError) in try Translator.value(expression, as: .nvarchar(nil), in: self) })
            if case .text(let text) = value { sink.info(SQLError(number: 0, level: 0, message: text, line: statement.line)) }
        case .raise(let raised):
            try raise(raised, sink)
        case .wait(let delay):
            try wait(delay)
            done(.none, sink)
        case .checkDatabase(let name, let isQuiet):
            try checkDatabase(name ?? database, isQuiet: isQuiet, sink)
            done(.none, sink)
        case .checkpoint:
            try define { () throws(SQLError) in try checkpoint() }
            done(.none, sink)
        case .execute(let call):
            try execute(call, sink)
        case .returnNow:
            throw .end(.failed)
        case .shutdown:
            try define { () throws(SQLError) in try demandAdministrator(6004) }
            server.requestShutdown()
            throw .error(
                SQLError(number: 6006, level: 10, message: "Server shut down by request from login \(identity.login).", scope: .batch))
        }
    }

    private func nested(_ statements: [Statement], _ sink: any ResultSink) throws(StatementFailure) {
        do throws(SessionEnd) { try run(statements, sink) } catch { throw .end(error) }
    }

    func translated(_ body: () throws(SQLError) -> Translation) throws(StatementFailure) -> Translation {
        do throws(SQLError) { return try body() } catch { throw .error(error) }
    }

    private func define(_ body: () throws(SQLError) -> Void) throws(StatementFailure) {
        do throws(SQLError) { try body() } catch { throw .error(error) }
    }

    private func outsideTransaction(_ statement: String) throws(SQLError) {
        guard transaction.count == 0 else {
            throw SQLError(
                number: 226, level: 16, state: 6, message: "\(statement) statement not allowed within multi-statement transaction.",
                scope: .batch)
        }
    }

    // MARK: Values

    private func assign(_ expression: Expression, to name: String) throws(StatementFailure) {
        guard let type = type(ofVariable: name) else { throw .error(.undeclared(name)) }
        let value = try single(try translated { () throws(SQLError) in try Translator.value(expression, as: type, in: self) })
        variables[name.lowercased()]?.value = value
    }

    /// The one value of a translated scalar or condition.
    func single(_ translation: Translation) throws(StatementFailure) -> SQLValue {
        do throws(SQLiteFailure) {
            let rows = try connection.rows(translation.sql, translation.bindings.map(value(of:)))
            return rows.first?.first ?? .null
        } catch {
            throw failure(error)
        }
    }

    func failure(_ failure: SQLiteFailure, table: TableInfo? = nil, verb: String = "") -> StatementFailure {
        failure.isInterrupted ? .end(.cancelled) : .error(sqlError(failure, table: table, verb: verb))
    }
}

/// A statement's failure: an error to report, or the end of its batch.
enum StatementFailure: Error {
    case error(SQLError)
    case end(SessionEnd)
}

extension Statement.Body {
    /// `@@ERROR` speaks of the statement before, and reading it must not clear it first.
    fileprivate var keepsError: Bool {
        switch self {
        case .condition, .block: true
        default: false
        }
    }
}
