extension Session {
    /// EXEC of one of the few procedures there are.
    func execute(_ call: ProcedureCall, _ sink: any ResultSink) throws(StatementFailure) {
        var values: [(name: String?, value: SQLValue)] = []
        for argument in call.arguments {
            let value = try single(
                try translated { () throws(SQLError) in try Translator.value(argument.value, as: .nvarchar(nil), in: self) })
            values.append((argument.name, value))
        }
        switch call.name {
        case "sp_executesql":
            guard call.arguments.count <= 1, case .text(let text)? = values.first?.value else {
                // Parameters keep their types in an RPC, which is how drivers send them.
                throw .error(.unsupported("EXEC sp_executesql with parameters in a batch"))
            }
            do throws(SessionEnd) {
                try execute(PreparedBatch(declarations: [], text: text), values: [:], sink)
            } catch {
                throw .end(error)
            }
        case "sp_reset_connection":
            reset(sink, keepingTransaction: false)
        default:
            throw .error(SQLError(number: 2812, state: 62, message: "Could not find stored procedure '\(call.name)'.", scope: .batch))
        }
    }

    func raise(_ raised: RaisedError, _ sink: any ResultSink) throws(StatementFailure) {
        let value = try single(
            try translated { () throws(SQLError) in try Translator.value(raised.message, as: .nvarchar(2047), in: self) })
        guard case .text(let text) = value else { return }
        let error = SQLError(
            number: raised.number, level: UInt8(clamping: raised.level), state: UInt8(clamping: raised.state), message: text,
            scope: raised.number == 50000 ? .statement : .batch)
        if raised.level > 10 { throw .error(error) }
        sink.info(error)
    }

    /// WAITFOR DELAY 'hh:mm:ss.mmm'.
    func wait(_ delay: Expression) throws(StatementFailure) {
        let value = try single(try translated { () throws(SQLError) in try Translator.value(delay, as: .nvarchar(30), in: self) })
        guard case .text(let text) = value, let moment = Moment(text) else {
            throw .error(
                SQLError(number: 148, level: 15, message: "Incorrect time syntax in time string used with WAITFOR.", scope: .batch))
        }
        if pause(Double(moment.ticks) / Double(Moment.ticksPerSecond)) { throw .end(.cancelled) }
    }

    /// DBCC CHECKDB: SQLite's own check of every page and index.
    func checkDatabase(_ name: String, isQuiet: Bool, _ sink: any ResultSink) throws(StatementFailure) {
        var problems: [String] = []
        do throws(SQLError) {
            guard let file = server.databases[name] else { throw .unknownDatabase(name) }
            try attach(file)
            for row in try metadata("PRAGMA \(file.name.quotedName).integrity_check", []) {
                if case .text(let text)? = row.first, text != "ok" { problems.append(text) }
            }
        } catch {
            throw .error(error)
        }
        let isDamaged = !problems.isEmpty
        if isDamaged || !isQuiet {
            sink.info(SQLError(number: 2536, level: 0, message: "DBCC results for '\(name)'."))
            sink.info(
                SQLError(
                    number: 8989, level: 0,
                    message: "CHECKDB found 0 allocation errors and \(problems.count) consistency errors in database '\(name)'."))
            sink.info(
                SQLError(
                    number: 2528, level: 0,
                    message: "DBCC execution completed. If DBCC printed error messages, contact your system administrator."))
        }
        if isDamaged {
            throw .error(SQLError(number: 8939, message: "Table error in database '\(name)': \(problems.joined(separator: "; "))."))
        }
    }
}
