public import NIOCore

/// An RPC request (MS-TDS 2.2.6.6): one or more calls of stored procedures.
public struct TDSRPCRequest: Sendable, Hashable {
    /// The procedure to call.
    public enum Procedure: Sendable, Hashable {
        case name(String)
        case id(UInt16)

        public static let executeSQL = Procedure.id(10)
        public static let prepare = Procedure.id(11)
        public static let execute = Procedure.id(12)
        public static let prepareAndExecute = Procedure.id(13)
        public static let unprepare = Procedure.id(15)
    }

    /// A parameter of a call.
    public struct Parameter: Sendable, Hashable {
        /// With its `@`; empty for a parameter known by its place.
        public var name: String
        /// Bit 0: an output parameter. Bit 1: use the default.
        public var status: UInt8
        public var typeInfo: TDSTypeInfo
        public var value: TDSValue

        public static let outputFlag: UInt8 = 0x01
        public static let defaultFlag: UInt8 = 0x02

        public init(_ name: String = "", _ typeInfo: TDSTypeInfo, _ value: TDSValue, status: UInt8 = 0) {
            self.name = name
            self.status = status
            self.typeInfo = typeInfo
            self.value = value
        }
    }

    /// A call of a stored procedure with its parameters.
    public struct Call: Sendable, Hashable {
        public var procedure: Procedure
        /// Bit 0 WITH RECOMPILE, bit 1 no metadata, bit 2 reuse metadata.
        public var flags: UInt16
        public var parameters: [Parameter]

        public init(_ procedure: Procedure, flags: UInt16 = 0, parameters: [Parameter]) {
            self.procedure = procedure
            self.flags = flags
            self.parameters = parameters
        }
    }

    public var headers: TDSRequestHeaders
    public var calls: [Call]

    public init(_ calls: [Call], headers: TDSRequestHeaders = TDSRequestHeaders()) {
        self.headers = headers
        self.calls = calls
    }

    private static let idMarker = UInt16.max
    /// The separator of calls: 0xFF, or 0xFE when the next is not to run after an error of this one.
    private static let separators: ClosedRange<UInt8> = 0xFE...0xFF

    public init(decoding message: ByteBuffer) throws(TDSWireError) {
        var message = message
        self.headers = try TDSRequestHeaders(decoding: &message)
        self.calls = []
        while message.readableBytes > 0 {
            let count = try message.readTDS(UInt16.self)
            let procedure: Procedure =
                count == Self.idMarker ? .id(try message.readTDS(UInt16.self)) : .name(try message.readUTF16(codeUnits: Int(count)))
            var call = Call(procedure, flags: try message.readTDS(UInt16.self), parameters: [])
            while let next = message.getInteger(at: message.readerIndex, as: UInt8.self) {
                if Self.separators.contains(next) {
                    message.moveReaderIndex(forwardBy: 1)
                    break
                }
                call.parameters.append(try Self.parameter(&message))
            }
            self.calls.append(call)
        }
    }

    private static func parameter(_ message: inout ByteBuffer) throws(TDSWireError) -> Parameter {
        let name = try message.readByteCountedString()
        let status = try message.readTDS(UInt8.self)
        let typeInfo = try TDSTypeInfo(decoding: &message)
        return Parameter(name, typeInfo, try typeInfo.decodeValue(&message), status: status)
    }

    public func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        self.headers.encode(into: &buffer)
        for (index, call) in self.calls.enumerated() {
            if index > 0 { buffer.writeTDS(Self.separators.upperBound) }
            switch call.procedure {
            case .id(let id):
                buffer.writeTDS(Self.idMarker)
                buffer.writeTDS(id)
            case .name(let name):
                try buffer.writeShortCountedString(name)
            }
            buffer.writeTDS(call.flags)
            for parameter in call.parameters {
                try parameter.encodeHead(into: &buffer)
                try parameter.typeInfo.encodeValue(parameter.value, into: &buffer)
            }
        }
    }
}

extension TDSRPCRequest.Parameter {
    /// Writes what stands before the value.
    func encodeHead(into buffer: inout ByteBuffer) throws(TDSWireError) {
        try buffer.writeByteCountedString(self.name)
        buffer.writeTDS(self.status)
        try self.typeInfo.encode(into: &buffer)
    }
}
