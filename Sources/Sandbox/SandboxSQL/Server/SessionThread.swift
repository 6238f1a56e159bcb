import Foundation
import NIOCore
import TDS

/// A message from a session's thread to its connection.
enum SessionEvent: Sendable {
    case loggedIn(database: String)
    case loginFailed(SQLError)
    /// A piece of the running response.
    case piece(ByteBuffer)
    /// The end of the running response; `end` gives way to an acknowledgement when an attention came.
    case finished(body: ByteBuffer, end: ByteBuffer)
    /// Close without a further word.
    case dropped
}

/// The thread on which one session runs: SQLite blocks, and event loops must not.
final class SessionThread {
    private let server: ServerState
    private let link: SessionLink
    private let notify: @Sendable (SessionEvent) -> Void

    private init(server: ServerState, link: SessionLink, notify: @escaping @Sendable (SessionEvent) -> Void) {
        self.server = server
        self.link = link
        self.notify = notify
    }

    static func start(
        server: ServerState, identity: Session.Identity, database: String, link: SessionLink,
        notify: @escaping @Sendable (SessionEvent) -> Void
    ) {
        let thread = Thread {
            SessionThread(server: server, link: link, notify: notify).run(identity, database)
        }
        // Deep expressions recurse in the parser and in the translator.
        thread.stackSize = 16 * 1024 * 1024
        thread.start()
    }

    private func run(_ identity: Session.Identity, _ database: String) {
        let session: Session
        do throws(SQLError) {
            session = try Session(server: server, identity: identity, database: database)
        } catch {
            notify(.loginFailed(error))
            return
        }
        let link = link
        session.isCancelled = { link.isCancelled }
        session.connection.isInterrupted = { link.isCancelled }
        session.pause = { link.pause($0) }
        server.running.add(1)
        defer { server.running.add(-1) }
        notify(.loggedIn(database: session.database))
        while let request = link.next() {
            link.begin()
            guard serve(request, session) else { break }
        }
        session.close()
    }

    /// Answers one request; false when the connection is to go.
    private func serve(_ request: Request, _ session: Session) -> Bool {
        let notify = notify
        let link = link
        let writer = ResponseWriter(serverName: server.product.serverName) { piece throws(SessionEnd) in
            try link.reserve(piece.readableBytes)
            notify(.piece(piece))
        }
        if request.reset != .none {
            session.reset(writer, keepingTransaction: request.reset == .keepingTransaction)
            writer.resetAcknowledged()
        }
        var isProcedure = false
        do throws(SessionEnd) {
            switch request.body {
            case .batch(let text):
                session.variables = [:]
                try session.execute(batch: text, writer)
            case .calls(let calls):
                isProcedure = true
                try call(calls, session, writer)
            case .transaction(let action):
                try session.execute(action, writer)
            case .refused(let error):
                try session.fail(error, writer)
            }
        } catch {
            switch error {
            case .closed:
                notify(.dropped)
                return false
            case .cancelled, .failed: break
            }
        }
        if let error = writer.wireError {
            FileHandle.standardError.write(Data("sandbox-sql: a response could not be encoded: \(error)\n".utf8))
            notify(.dropped)
            return false
        }
        if session.dropsConnection {
            notify(.dropped)
            return false
        }
        let (body, end) = writer.finish(isProcedure: isProcedure)
        link.add(body.readableBytes + end.readableBytes)
        notify(.finished(body: body, end: end))
        session.settleDeferredCommit()
        return true
    }

    private func call(_ calls: [TDSRPCRequest.Call], _ session: Session, _ writer: ResponseWriter) throws(SessionEnd) {
        for (index, call) in calls.enumerated() {
            writer.beginProcedure()
            var outputs: [TDSReturnValue] = []
            do throws(SessionEnd) {
                outputs = try session.execute(call, writer)
            } catch {
                if error == .closed { throw error }
            }
            writer.endProcedure(outputs: outputs, isInTransaction: session.transaction.count > 0, isLast: index == calls.count - 1)
        }
    }
}

extension Session {
    /// A transaction manager request.
    func execute(_ action: TDSTransactionRequest.Action, _ sink: any ResultSink) throws(SessionEnd) {
        do throws(SQLError) {
            switch action {
            case .begin(let level, _):
                try begin(level, sink)
                done(.begin, sink)
            case .commit(_, let next):
                try commitTransaction(sink)
                if let next { try begin(next, sink) }
                done(.commit, sink)
            case .rollback(_, let next):
                try rollbackTransaction(sink)
                if let next { try begin(next, sink) }
                done(.rollback, sink)
            case .save: throw .unsupported("SAVE TRANSACTION")
            case .other(let type): throw .unsupported("transaction manager request \(type)")
            }
        } catch {
            try fail(error, sink)
        }
    }

    private func begin(_ level: TDSTransactionRequest.IsolationLevel, _ sink: any ResultSink) throws(SQLError) {
        switch level {
        case .unchanged: break
        case .readUncommitted: options.isolation = .readUncommitted
        case .readCommitted: options.isolation = .readCommitted
        case .repeatableRead: options.isolation = .repeatableRead
        case .serializable: options.isolation = .serializable
        case .snapshot: options.isolation = .snapshot
        }
        try beginTransaction(sink)
    }
}
