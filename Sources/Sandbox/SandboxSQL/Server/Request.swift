import NIOCore
import TDS

/// A client's request to its session.
struct Request: Sendable, Equatable {
    enum Body: Sendable, Equatable {
        case batch(String)
        case calls([TDSRPCRequest.Call])
        case transaction(TDSTransactionRequest.Action)
        /// A message that cannot be read or is not supported.
        case refused(SQLError)
    }

    enum Reset: Sendable { case none, full, keepingTransaction }

    var body: Body
    var reset: Reset
}

extension Request {
    /// Reads a whole message. Unreadable contents are a protocol error, unsupported ones a request that is refused.
    init(_ message: TDSMessageAssembler.Message) throws(TDSWireError) {
        reset =
            message.firstStatus.contains(.resetConnection)
            ? .full : message.firstStatus.contains(.resetConnectionKeepingTransaction) ? .keepingTransaction : .none
        do throws(TDSWireError) {
            switch message.type {
            case .sqlBatch: body = .batch(try TDSSQLBatch(decoding: message.body).text)
            case .rpc: body = .calls(try TDSRPCRequest(decoding: message.body).calls)
            case .transactionManager: body = .transaction(try TDSTransactionRequest(decoding: message.body).action)
            case .bulkLoad: body = .refused(.unsupported("bulk load"))
            case .tabularResult, .attention, .federatedAuthentication, .login7, .sspi, .prelogin:
                throw .malformed("a message of type \(message.type) after the login")
            }
        } catch {
            guard case .unsupported(let what) = error else { throw error }
            body = .refused(.unsupported(what))
        }
    }
}
