import TDS

/// Remote procedure calls.
extension Session {
    private struct Argument {
        var name: String
        var type: DataType
        var value: SQLValue
        var isOutput: Bool
    }

    /// Runs a called procedure and returns its output values.
    func execute(_ call: TDSRPCRequest.Call, _ sink: any ResultSink) throws(SessionEnd) -> [TDSReturnValue] {
        do throws(StatementFailure) {
            let arguments = try self.arguments(call.parameters)
            let name: String =
                switch call.procedure {
                case .id(10): "sp_executesql"
                case .id(11): "sp_prepare"
                case .id(12): "sp_execute"
                case .id(13): "sp_prepexec"
                case .id(15): "sp_unprepare"
                case .id(let id): "procedure \(id)"
                case .name(let name): name.split(separator: ".").last.map { $0.lowercased() } ?? name
                }
            return try perform(name, arguments, sink)
        } catch {
            switch error {
            case .end(let end): throw end
            case .error(let error):
                try fail(error, sink)
                return []
            }
        }
    }

    private func perform(_ name: String, _ arguments: [Argument], _ sink: any ResultSink) throws(StatementFailure) -> [TDSReturnValue] {
        switch name {
        case "sp_executesql":
            let batch = try prepared(statement: 0, declarations: 1, arguments)
            return try run(batch, arguments.dropFirst(2), sink)
        case "sp_prepare":
            let batch = try prepared(statement: 2, declarations: 1, arguments)
            return [handleOutput(try store(batch), arguments)]
        case "sp_prepexec":
            let batch = try prepared(statement: 2, declarations: 1, arguments)
            let handle = try store(batch)
            return [handleOutput(handle, arguments)] + (try run(batch, arguments.dropFirst(3), sink))
        case "sp_execute":
            guard let handle = arguments.first?.value.number, let batch = self.prepared[Int32(clamping: handle)] else {
                throw .error(.missingHandle(arguments.first?.value.number ?? 0))
            }
            return try run(batch, arguments.dropFirst(), sink)
        case "sp_unprepare":
            guard let handle = arguments.first?.value.number, self.prepared.removeValue(forKey: Int32(clamping: handle)) != nil else {
                throw .error(.missingHandle(arguments.first?.value.number ?? 0))
            }
            return []
        case "sp_reset_connection":
            reset(sink, keepingTransaction: false)
            return []
        default:
            throw .error(SQLError(number: 2812, state: 62, message: "Could not find stored procedure '\(name)'.", scope: .batch))
        }
    }

    private func arguments(_ parameters: [TDSRPCRequest.Parameter]) throws(StatementFailure) -> [Argument] {
        do throws(SQLError) {
            return try parameters.map { parameter throws(SQLError) in
                guard let type = DataType(parameter.typeInfo) else {
                    throw .unsupported("a parameter of type \(parameter.typeInfo.declaration ?? "\(parameter.typeInfo.type)")")
                }
                return Argument(
                    name: parameter.name.lowercased(), type: type, value: try SQLValue(parameter.value, as: type),
                    isOutput: parameter.status & TDSRPCRequest.Parameter.outputFlag != 0)
            }
        } catch {
            throw .error(error)
        }
    }

    private func prepared(statement: Int, declarations: Int, _ arguments: [Argument]) throws(StatementFailure) -> PreparedBatch {
        guard arguments.indices.contains(statement), case .text(let text) = arguments[statement].value else {
            throw .error(
                SQLError(
                    number: 214, state: 2, message: "Procedure expects parameter '@statement' of type 'ntext/nchar/nvarchar'.",
                    scope: .batch))
        }
        do throws(SQLError) {
            let declared = arguments.indices.contains(declarations) ? arguments[declarations].value.string : ""
            return PreparedBatch(declarations: try Parser.parameters(of: declared), text: text)
        } catch {
            throw .error(error)
        }
    }

    private func store(_ batch: PreparedBatch) throws(StatementFailure) -> Int32 {
        guard prepared.count < 10_000 else {
            throw .error(
                SQLError(
                    number: 701, level: 17, state: 123, message: "There are too many prepared statements in this session.", scope: .batch))
        }
        let handle = nextHandle
        nextHandle += 1
        prepared[handle] = batch
        return handle
    }

    private func handleOutput(_ handle: Int32, _ arguments: [Argument]) -> TDSReturnValue {
        TDSReturnValue(ordinal: 0, name: arguments.first?.name ?? "", typeInfo: .int, value: .int(handle))
    }

    /// Runs a batch with values for its declared parameters, given by name or by place; returns those that are output.
    private func run(_ batch: PreparedBatch, _ arguments: ArraySlice<Argument>, _ sink: any ResultSink) throws(StatementFailure)
        -> [TDSReturnValue]
    {
        var values: [String: SQLValue] = [:]
        var outputs: [(index: Int, Declaration)] = []
        do throws(SQLError) {
            for (index, argument) in arguments.enumerated() {
                guard
                    let declaration = argument.name.isEmpty
                        ? (batch.declarations.indices.contains(index) ? batch.declarations[index] : nil)
                        : batch.declarations.first(where: { $0.name.lowercased() == argument.name })
                else {
                    throw SQLError(
                        number: 8144, state: 2, message: "Procedure or function has too many arguments specified.", scope: .batch)
                }
                values[declaration.name.lowercased()] = try converted(argument, to: declaration.type)
                if argument.isOutput { outputs.append((index, declaration)) }
            }
            for declaration in batch.declarations where values[declaration.name.lowercased()] == nil {
                throw SQLError(
                    number: 8178, message: "The parameterized query expects the parameter '\(declaration.name)', which was not supplied.",
                    scope: .batch)
            }
        } catch {
            throw .error(error)
        }
        var results: [String: SQLValue] = [:]
        do throws(SessionEnd) {
            results = try execute(batch, values: values, sink)
        } catch {
            throw .end(error)
        }
        return outputs.map { index, declaration in
            TDSReturnValue(
                ordinal: UInt16(clamping: index), name: declaration.name, typeInfo: declaration.type.typeInfo,
                value: declaration.type.wireValue(results[declaration.name.lowercased()] ?? .null))
        }
    }

    private func converted(_ argument: Argument, to type: DataType) throws(SQLError) -> SQLValue {
        let conversion = Conversion(from: argument.type, to: type)
        guard !conversion.isIdentity, argument.value != .null else { return argument.value }
        try conversion.check(isExplicit: false)
        return try conversion(argument.value)
    }
}

extension SQLError {
    static func missingHandle(_ handle: Int64) -> SQLError {
        SQLError(number: 8179, message: "Could not find prepared statement with handle \(handle).", scope: .batch)
    }
}
