public import NIOCore

/// The version numbers of the protocol as LOGIN7 carries them (little-endian there, big-endian in LOGINACK).
public enum TDSProtocolVersion {
    public static let tds74: UInt32 = 0x7400_0004
    public static let tds80: UInt32 = 0x0800_0000
}

/// An optional feature, asked for in LOGIN7 and acknowledged by FEATUREEXTACK (MS-TDS 2.2.6.4 and 2.2.7.11).
public struct TDSFeature: Sendable, Hashable {
    public var id: UInt8
    public var data: [UInt8]

    public init(id: UInt8, data: [UInt8]) {
        self.id = id
        self.data = data
    }

    public static let sessionRecoveryID: UInt8 = 0x01
    public static let federatedAuthenticationID: UInt8 = 0x02
    public static let azureSQLSupportID: UInt8 = 0x08
    public static let utf8ID: UInt8 = 0x0A

    /// Asks for the UTF-8 collations of VARCHAR.
    public static let utf8 = TDSFeature(id: Self.utf8ID, data: [1])

    static let terminator: UInt8 = 0xFF
}

/// The LOGIN7 message (MS-TDS 2.2.6.4). Lengths of texts are counted in UTF-16 code units.
public struct TDSLogin: Sendable, Hashable {
    public var tdsVersion: UInt32 = TDSProtocolVersion.tds74
    /// The packet size asked for; 0 leaves it to the server.
    public var packetSize: UInt32 = 8000
    public var clientProgramVersion: UInt32 = 0
    public var clientProcessID: UInt32 = 0
    public var connectionID: UInt32 = 0
    /// fUseDB, fDatabase (a database that cannot be opened is fatal) and fSetLang.
    public var optionFlags1: UInt8 = 0xE0
    /// fODBC (ANSI defaults, unlimited TEXTSIZE) and fLanguageFatal.
    public var optionFlags2: UInt8 = 0x03
    public var typeFlags: UInt8 = 0
    /// fExtension (0x10) is set by ``encode()`` when there are features.
    public var optionFlags3: UInt8 = 0
    public var clientTimeZone: Int32 = 0
    public var clientLCID: UInt32 = 0x0409
    public var hostName = ""
    public var userName = ""
    public var password: TDSPassword = ""
    public var applicationName = ""
    public var serverName = ""
    public var libraryName = ""
    public var language = ""
    public var database = ""
    /// Six bytes, by custom the network card's address.
    public var clientID: [UInt8] = [0, 0, 0, 0, 0, 0]
    public var sspi: [UInt8] = []
    public var attachDatabaseFile = ""
    public var newPassword: TDSPassword = ""
    public var features: [TDSFeature] = []

    public init() {}

    static let fixedLength = 94
    private static let extensionFlag: UInt8 = 0x10
}

extension TDSLogin {
    public func encode() throws(TDSWireError) -> ByteBuffer {
        var message = ByteBuffer()
        message.writeTDS(UInt32(0))
        for value in [self.tdsVersion, self.packetSize, self.clientProgramVersion, self.clientProcessID, self.connectionID] {
            message.writeTDS(value)
        }
        let flags3 = self.features.isEmpty ? self.optionFlags3 : self.optionFlags3 | Self.extensionFlag
        for flags in [self.optionFlags1, self.optionFlags2, self.typeFlags, flags3] { message.writeTDS(flags) }
        message.writeTDS(self.clientTimeZone)
        message.writeTDS(self.clientLCID)

        var data = ByteBuffer()
        try Self.append(self.hostName, to: &data, table: &message)
        try Self.append(self.userName, to: &data, table: &message)
        try Self.appendObfuscated(self.password, to: &data, table: &message)
        try Self.append(self.applicationName, to: &data, table: &message)
        try Self.append(self.serverName, to: &data, table: &message)
        let extensionIndex: Int?
        if self.features.isEmpty {
            Self.appendEntry(offset: data.readableBytes, count: 0, table: &message)
            extensionIndex = nil
        } else {
            Self.appendEntry(offset: data.readableBytes, count: 4, table: &message)
            extensionIndex = data.writerIndex
            data.writeTDS(UInt32(0))
        }
        try Self.append(self.libraryName, to: &data, table: &message)
        try Self.append(self.language, to: &data, table: &message)
        try Self.append(self.database, to: &data, table: &message)
        guard self.clientID.count == 6 else { throw .unencodable("a client id of \(self.clientID.count) bytes, not 6") }
        message.writeBytes(self.clientID)
        guard let sspiCount = UInt16(exactly: self.sspi.count), sspiCount < UInt16.max else {
            throw .unencodable("SSPI data of \(self.sspi.count) bytes")
        }
        Self.appendEntry(offset: data.readableBytes, count: sspiCount, table: &message)
        data.writeBytes(self.sspi)
        try Self.append(self.attachDatabaseFile, to: &data, table: &message)
        try Self.appendObfuscated(self.newPassword, to: &data, table: &message)
        message.writeTDS(UInt32(0))
        if let extensionIndex {
            data.setInteger(UInt32(Self.fixedLength + data.readableBytes), at: extensionIndex, endianness: .little)
            for feature in self.features {
                data.writeTDS(feature.id)
                data.writeTDS(UInt32(feature.data.count))
                data.writeBytes(feature.data)
            }
            data.writeTDS(TDSFeature.terminator)
        }
        message.writeImmutableBuffer(data)
        message.setInteger(UInt32(message.readableBytes), at: message.readerIndex, endianness: .little)
        return message
    }

    private static func appendEntry(offset: Int, count: UInt16, table: inout ByteBuffer) {
        table.writeTDS(UInt16(truncatingIfNeeded: Self.fixedLength + offset))
        table.writeTDS(count)
    }

    private static func append(_ text: String, to data: inout ByteBuffer, table: inout ByteBuffer) throws(TDSWireError) {
        // 128 is the longest name SQL Server takes (MS-TDS 2.2.6.4).
        let count = text.utf16.count
        guard count <= 128 else { throw .unencodable("a login field of \(count) UTF-16 code units where 128 are allowed") }
        Self.appendEntry(offset: data.readableBytes, count: UInt16(count), table: &table)
        data.writeUTF16(text)
    }

    private static func appendObfuscated(
        _ password: TDSPassword, to data: inout ByteBuffer, table: inout ByteBuffer
    ) throws(TDSWireError) {
        let start = data.writerIndex
        try Self.append(password.revealed, to: &data, table: &table)
        for index in start..<data.writerIndex {
            let byte = data.getInteger(at: index, as: UInt8.self) ?? 0
            data.setInteger(((byte << 4) | (byte >> 4)) ^ 0xA5, at: index)
        }
    }
}

extension TDSLogin {
    public init(decoding message: ByteBuffer) throws(TDSWireError) {
        var table = message
        let length = Int(try table.readTDS(UInt32.self))
        guard length >= Self.fixedLength, length == message.readableBytes else {
            throw .malformed("LOGIN7 says \(length) bytes, the message has \(message.readableBytes)")
        }
        self.init()
        self.tdsVersion = try table.readTDS(UInt32.self)
        self.packetSize = try table.readTDS(UInt32.self)
        self.clientProgramVersion = try table.readTDS(UInt32.self)
        self.clientProcessID = try table.readTDS(UInt32.self)
        self.connectionID = try table.readTDS(UInt32.self)
        self.optionFlags1 = try table.readTDS(UInt8.self)
        self.optionFlags2 = try table.readTDS(UInt8.self)
        self.typeFlags = try table.readTDS(UInt8.self)
        self.optionFlags3 = try table.readTDS(UInt8.self)
        self.clientTimeZone = try table.readTDS(Int32.self)
        self.clientLCID = try table.readTDS(UInt32.self)
        self.hostName = try Self.text(message, &table)
        self.userName = try Self.text(message, &table)
        self.password = try Self.password(message, &table)
        self.applicationName = try Self.text(message, &table)
        self.serverName = try Self.text(message, &table)
        let extensionOffset = Int(try table.readTDS(UInt16.self))
        let extensionLength = Int(try table.readTDS(UInt16.self))
        self.libraryName = try Self.text(message, &table)
        self.language = try Self.text(message, &table)
        self.database = try Self.text(message, &table)
        self.clientID = try table.readTDSBytes(6)
        var sspi = try Self.field(message, &table, bytesPerUnit: 1)
        self.sspi = try sspi.readTDSBytes(sspi.readableBytes)
        self.attachDatabaseFile = try Self.text(message, &table)
        self.newPassword = try Self.password(message, &table)
        if self.optionFlags3 & Self.extensionFlag != 0, extensionLength >= 4 {
            self.features = try Self.features(message, pointerAt: extensionOffset)
        }
    }

    private static func field(
        _ message: ByteBuffer, _ table: inout ByteBuffer, bytesPerUnit: Int
    ) throws(TDSWireError) -> ByteBuffer {
        let offset = Int(try table.readTDS(UInt16.self))
        let count = Int(try table.readTDS(UInt16.self)) * bytesPerUnit
        // Clients leave any offset in a field they do not use.
        guard count > 0 else { return ByteBuffer() }
        guard offset >= Self.fixedLength, offset + count <= message.readableBytes,
            let slice = message.getSlice(at: message.readerIndex + offset, length: count)
        else {
            throw .malformed("a LOGIN7 field at \(offset) with \(count) bytes, outside the message")
        }
        return slice
    }

    private static func text(_ message: ByteBuffer, _ table: inout ByteBuffer) throws(TDSWireError) -> String {
        var field = try Self.field(message, &table, bytesPerUnit: 2)
        return field.readRemainingUTF16()
    }

    private static func password(_ message: ByteBuffer, _ table: inout ByteBuffer) throws(TDSWireError) -> TDSPassword {
        let field = try Self.field(message, &table, bytesPerUnit: 2)
        var plain = ByteBuffer()
        for byte in field.readableBytesView {
            let mixed = byte ^ 0xA5
            plain.writeTDS((mixed << 4) | (mixed >> 4))
        }
        return TDSPassword(plain.readRemainingUTF16())
    }

    private static func features(_ message: ByteBuffer, pointerAt offset: Int) throws(TDSWireError) -> [TDSFeature] {
        guard let pointer = message.getInteger(at: message.readerIndex + offset, endianness: .little, as: UInt32.self),
            Int(pointer) <= message.readableBytes,
            var block = message.getSlice(at: message.readerIndex + Int(pointer), length: message.readableBytes - Int(pointer))
        else { throw .malformed("the LOGIN7 feature block lies outside the message") }
        return try TDSFeature.decodeList(&block)
    }
}

extension TDSFeature {
    /// Reads `id, length, data` until the terminator.
    static func decodeList(_ buffer: inout ByteBuffer) throws(TDSWireError) -> [TDSFeature] {
        var features: [TDSFeature] = []
        while true {
            let id = try buffer.readTDS(UInt8.self)
            if id == Self.terminator { return features }
            let length = try buffer.readTDS(UInt32.self)
            features.append(TDSFeature(id: id, data: try buffer.readTDSBytes(Int(length))))
        }
    }
}
