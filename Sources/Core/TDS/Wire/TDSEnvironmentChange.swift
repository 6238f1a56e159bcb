public import NIOCore

/// Where a server sends its client on to (ENVCHANGE 20).
public struct TDSRoute: Sendable, Hashable {
    /// A host name, possibly with `\instance` behind it.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// ENVCHANGE (MS-TDS 2.2.7.8).
public enum TDSEnvironmentChange: Sendable, Hashable {
    case database(new: String, old: String)
    case language(new: String, old: String)
    /// Sizes in bytes, which travel as decimal texts.
    case packetSize(new: Int, old: Int)
    case collation(new: TDSCollation?, old: TDSCollation?)
    /// The descriptor to put into ALL_HEADERS until the transaction ends.
    case transactionBegun(UInt64)
    case transactionCommitted(UInt64)
    case transactionRolledBack(UInt64)
    case mirrorPartner(String)
    case sessionReset
    case userInstance(String)
    case routing(TDSRoute)
    /// A change that concerns nobody here; its bytes are kept.
    case other(type: UInt8, data: ByteBuffer)

    private enum Code {
        static let database: UInt8 = 1
        static let language: UInt8 = 2
        static let packetSize: UInt8 = 4
        static let collation: UInt8 = 7
        static let begin: UInt8 = 8
        static let commit: UInt8 = 9
        static let rollback: UInt8 = 10
        static let mirrorPartner: UInt8 = 13
        static let sessionReset: UInt8 = 18
        static let userInstance: UInt8 = 19
        static let routing: UInt8 = 20
    }

    /// Reads the token's data, which is all of `data`.
    init(decoding data: ByteBuffer) throws(TDSWireError) {
        var data = data
        let code = try data.readTDS(UInt8.self)
        switch code {
        case Code.database:
            self = .database(new: try data.readByteCountedString(), old: try data.readByteCountedString())
        case Code.language:
            self = .language(new: try data.readByteCountedString(), old: try data.readByteCountedString())
        case Code.packetSize:
            let new = try data.readByteCountedString()
            let old = try data.readByteCountedString()
            guard let newSize = Int(new), (TDSPacket.minimumSize...TDSPacket.maximumSize).contains(newSize) else {
                throw .malformed("a packet size of '\(new.prefix(20))'")
            }
            self = .packetSize(new: newSize, old: Int(old) ?? 0)
        case Code.collation:
            self = .collation(new: try Self.collation(&data), old: try Self.collation(&data))
        case Code.begin:
            let new = try Self.descriptor(&data)
            guard let new else { throw .malformed("a transaction that begins without a descriptor") }
            self = .transactionBegun(new)
        case Code.commit:
            _ = try Self.descriptor(&data)
            self = .transactionCommitted(try Self.descriptor(&data) ?? 0)
        case Code.rollback:
            _ = try Self.descriptor(&data)
            self = .transactionRolledBack(try Self.descriptor(&data) ?? 0)
        case Code.mirrorPartner:
            self = .mirrorPartner(try data.readByteCountedString())
        case Code.sessionReset:
            self = .sessionReset
        case Code.userInstance:
            self = .userInstance(try data.readByteCountedString())
        case Code.routing:
            var value = try data.readTDSSlice(Int(try data.readTDS(UInt16.self)))
            let transport = try value.readTDS(UInt8.self)
            guard transport == 0 else { throw .unsupported("routing over transport \(transport), only TCP (0) is known") }
            let port = try value.readTDS(UInt16.self)
            self = .routing(TDSRoute(host: try value.readShortCountedString(), port: port))
        default:
            self = .other(type: code, data: data)
        }
    }

    private static func collation(_ data: inout ByteBuffer) throws(TDSWireError) -> TDSCollation? {
        let length = try data.readTDS(UInt8.self)
        var bytes = try data.readTDSSlice(Int(length))
        return length == 0 ? nil : try TDSCollation(decoding: &bytes)
    }

    private static func descriptor(_ data: inout ByteBuffer) throws(TDSWireError) -> UInt64? {
        let length = try data.readTDS(UInt8.self)
        var bytes = try data.readTDSSlice(Int(length))
        return length == 0 ? nil : try bytes.readTDS(UInt64.self)
    }

    func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        switch self {
        case .database(let new, let old):
            try Self.encode(Code.database, new, old, into: &buffer)
        case .language(let new, let old):
            try Self.encode(Code.language, new, old, into: &buffer)
        case .packetSize(let new, let old):
            try Self.encode(Code.packetSize, String(new), String(old), into: &buffer)
        case .collation(let new, let old):
            buffer.writeTDS(Code.collation)
            Self.encode(new, into: &buffer)
            Self.encode(old, into: &buffer)
        case .transactionBegun(let descriptor):
            buffer.writeTDS(Code.begin)
            Self.encode(descriptor, into: &buffer)
            Self.encode(UInt64?.none, into: &buffer)
        case .transactionCommitted(let descriptor):
            buffer.writeTDS(Code.commit)
            Self.encode(UInt64?.none, into: &buffer)
            Self.encode(descriptor, into: &buffer)
        case .transactionRolledBack(let descriptor):
            buffer.writeTDS(Code.rollback)
            Self.encode(UInt64?.none, into: &buffer)
            Self.encode(descriptor, into: &buffer)
        case .mirrorPartner(let name):
            try Self.encode(Code.mirrorPartner, name, "", into: &buffer)
        case .sessionReset:
            buffer.writeTDS(Code.sessionReset)
            buffer.writeTDS(UInt16(0))
        case .userInstance(let name):
            try Self.encode(Code.userInstance, name, "", into: &buffer)
        case .routing(let route):
            buffer.writeTDS(Code.routing)
            try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in
                buffer.writeTDS(UInt8(0))
                buffer.writeTDS(route.port)
                try buffer.writeShortCountedString(route.host)
            }
            buffer.writeTDS(UInt16(0))
        case .other(let type, let data):
            buffer.writeTDS(type)
            buffer.writeImmutableBuffer(data)
        }
    }

    private static func encode(_ code: UInt8, _ new: String, _ old: String, into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(code)
        try buffer.writeByteCountedString(new)
        try buffer.writeByteCountedString(old)
    }

    private static func encode(_ collation: TDSCollation?, into buffer: inout ByteBuffer) {
        buffer.writeTDS(UInt8(collation == nil ? 0 : TDSCollation.length))
        collation?.encode(into: &buffer)
    }

    private static func encode(_ descriptor: UInt64?, into buffer: inout ByteBuffer) {
        buffer.writeTDS(UInt8(descriptor == nil ? 0 : 8))
        if let descriptor { buffer.writeTDS(descriptor) }
    }
}
