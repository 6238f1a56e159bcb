import NIOCore
import TDS

/// Encodes a session's results as tokens and passes them on in pieces, waiting while the client does not read.
final class ResponseWriter: ResultSink {
    private let send: (ByteBuffer) throws(SessionEnd) -> Void
    private let serverName: String
    private var buffer = ByteBuffer()
    private var columns: TDSColumns?
    private var types: [DataType] = []
    /// The last DONE is kept back, as it says whether anything follows.
    private var pending: StatementEnd?
    private var isInProcedure = false
    private var hasFailed = false
    /// A failure to encode, which leaves the stream useless.
    private(set) var wireError: TDSWireError?
    private static let pieceLength = 16 * 1024

    init(serverName: String, send: @escaping (ByteBuffer) throws(SessionEnd) -> Void) {
        self.serverName = serverName
        self.send = send
    }

    private func write(_ token: TDSToken) {
        do throws(TDSWireError) { try token.encode(into: &buffer) } catch { wireError = error }
    }

    private func flushDone(more: Bool) {
        guard let end = pending.take() else { return }
        var status: TDSDone.Status = more ? .more : []
        if end.isError { status.insert(.error) }
        if end.isInTransaction { status.insert(.inTransaction) }
        if end.count != nil { status.insert(.count) }
        write(
            .done(
                TDSDone(
                    isInProcedure ? .inProcedure : .done, status: status, currentCommand: end.command.rawValue,
                    rowCount: UInt64(end.count ?? 0))))
    }

    // MARK: ResultSink

    func columns(_ list: [ResultColumn]) throws(SessionEnd) {
        flushDone(more: true)
        types = list.map(\.type)
        let columns = TDSColumns(list.map { TDSColumn($0.name, $0.type.typeInfo) })
        self.columns = columns
        write(.columnMetadata(columns))
    }

    func row(_ values: [SQLValue]) throws(SessionEnd) {
        guard let columns else { return }
        do throws(TDSWireError) {
            try TDSRow.encode(zip(types, values).map { $0.wireValue($1) }, columns: columns, into: &buffer)
        } catch {
            wireError = error
            throw .closed
        }
        if buffer.readableBytes >= ResponseWriter.pieceLength { try flush() }
    }

    private func flush() throws(SessionEnd) {
        let piece = buffer
        buffer = ByteBuffer()
        buffer.reserveCapacity(ResponseWriter.pieceLength * 2)
        try send(piece)
    }

    func done(_ done: StatementEnd) {
        flushDone(more: true)
        hasFailed = hasFailed || done.isError
        pending = done
    }

    func error(_ error: SQLError) {
        flushDone(more: true)
        hasFailed = true
        write(.error(message(error)))
    }

    func info(_ info: SQLError) {
        flushDone(more: true)
        write(.info(message(info)))
    }

    private func message(_ error: SQLError) -> TDSServerMessage {
        TDSServerMessage(
            number: error.number, state: error.state, class: error.level, text: error.message, server: serverName, line: Int32(error.line))
    }

    func change(_ change: SessionChange) {
        flushDone(more: true)
        switch change {
        case .database(let new, let old): write(.environmentChange(.database(new: new, old: old)))
        case .transactionBegun(let descriptor): write(.environmentChange(.transactionBegun(descriptor)))
        case .transactionCommitted(let descriptor): write(.environmentChange(.transactionCommitted(descriptor)))
        case .transactionRolledBack(let descriptor): write(.environmentChange(.transactionRolledBack(descriptor)))
        }
    }

    func resetAcknowledged() { write(.environmentChange(.sessionReset)) }

    // MARK: The frame of a response

    func beginProcedure() {
        flushDone(more: true)
        isInProcedure = true
        hasFailed = false
    }

    /// RETURNSTATUS, output values and DONEPROC.
    func endProcedure(outputs: [TDSReturnValue], isInTransaction: Bool, isLast: Bool) {
        flushDone(more: true)
        write(.returnStatus(hasFailed ? 1 : 0))
        for output in outputs { write(.returnValue(output)) }
        var status: TDSDone.Status = isLast ? [] : .more
        if hasFailed { status.insert(.error) }
        if isInTransaction { status.insert(.inTransaction) }
        write(.done(TDSDone(.procedure, status: status, currentCommand: StatementEnd.Command.execute.rawValue)))
        isInProcedure = false
    }

    /// The rest to send: everything before the last DONE, and that DONE, which an attention replaces.
    func finish(isProcedure: Bool) -> (body: ByteBuffer, end: ByteBuffer) {
        let body = buffer
        buffer = ByteBuffer()
        if isProcedure { return (body, buffer) }
        if pending == nil { pending = StatementEnd(count: nil, command: .none) }
        flushDone(more: false)
        return (body, buffer)
    }
}
