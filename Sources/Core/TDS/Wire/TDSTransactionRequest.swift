public import NIOCore

/// A transaction manager request (MS-TDS 2.2.6.9).
public struct TDSTransactionRequest: Sendable, Hashable {
    /// The codes of `TM_BEGIN_XACT`; 0 keeps the session's level.
    public enum IsolationLevel: UInt8, Sendable, Hashable {
        case unchanged = 0
        case readUncommitted = 1
        case readCommitted = 2
        case repeatableRead = 3
        case serializable = 4
        case snapshot = 5
    }

    public enum Action: Sendable, Hashable {
        case begin(IsolationLevel, name: String)
        /// `next`: begin another transaction at once, as ODBC does with autocommit off.
        case commit(name: String, next: IsolationLevel? = nil)
        case rollback(name: String, next: IsolationLevel? = nil)
        case save(name: String)
        /// A request that is not implemented here (distributed transactions).
        case other(type: UInt16)
    }

    public var headers: TDSRequestHeaders
    public var action: Action

    public init(_ action: Action, headers: TDSRequestHeaders = TDSRequestHeaders()) {
        self.headers = headers
        self.action = action
    }

    private enum Code {
        static let begin: UInt16 = 5
        static let commit: UInt16 = 7
        static let rollback: UInt16 = 8
        static let save: UInt16 = 9
        /// Commit and rollback: begin a new transaction at once.
        static let beginAgainFlag: UInt8 = 0x01
    }

    public init(decoding message: ByteBuffer) throws(TDSWireError) {
        var message = message
        self.headers = try TDSRequestHeaders(decoding: &message)
        let type = try message.readTDS(UInt16.self)
        switch type {
        case Code.begin:
            self.action = .begin(try Self.level(&message), name: try message.readByteCountedString())
        case Code.commit, Code.rollback:
            let name = try message.readByteCountedString()
            let flags = message.readableBytes > 0 ? try message.readTDS(UInt8.self) : 0
            var next: IsolationLevel?
            if flags & Code.beginAgainFlag != 0 {
                next = try Self.level(&message)
                _ = try message.readByteCountedString()
            }
            self.action = type == Code.commit ? .commit(name: name, next: next) : .rollback(name: name, next: next)
        case Code.save:
            self.action = .save(name: try message.readByteCountedString())
        default:
            self.action = .other(type: type)
        }
    }

    private static func level(_ message: inout ByteBuffer) throws(TDSWireError) -> IsolationLevel {
        let raw = try message.readTDS(UInt8.self)
        guard let level = IsolationLevel(rawValue: raw) else { throw .malformed("isolation level \(raw)") }
        return level
    }

    public func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        self.headers.encode(into: &buffer)
        switch self.action {
        case .begin(let level, let name):
            buffer.writeTDS(Code.begin)
            buffer.writeTDS(level.rawValue)
            try buffer.writeByteCountedString(name)
        case .commit(let name, let next):
            buffer.writeTDS(Code.commit)
            try Self.encodeEnd(name, next, into: &buffer)
        case .rollback(let name, let next):
            buffer.writeTDS(Code.rollback)
            try Self.encodeEnd(name, next, into: &buffer)
        case .save(let name):
            buffer.writeTDS(Code.save)
            try buffer.writeByteCountedString(name)
        case .other(let type):
            throw .unsupported("sending transaction manager request \(type)")
        }
    }

    private static func encodeEnd(_ name: String, _ next: IsolationLevel?, into buffer: inout ByteBuffer) throws(TDSWireError) {
        try buffer.writeByteCountedString(name)
        guard let next else {
            buffer.writeTDS(UInt8(0))
            return
        }
        buffer.writeTDS(Code.beginAgainFlag)
        buffer.writeTDS(next.rawValue)
        try buffer.writeByteCountedString("")
    }
}
