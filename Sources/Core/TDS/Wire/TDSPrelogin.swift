public import NIOCore

/// One side's statement about encryption in PRELOGIN (MS-TDS 2.2.6.5).
public enum TDSPreloginEncryption: UInt8, Sendable, Hashable {
    /// Available, not wanted: with ``off`` on both sides the login packet alone is encrypted.
    case off = 0
    case on = 1
    case notSupported = 2
    case required = 3
}

/// The PRELOGIN message of either side (MS-TDS 2.2.6.5).
public struct TDSPrelogin: Sendable, Hashable {
    /// Product version: major, minor, build, sub-build.
    public struct Version: Sendable, Hashable, CustomStringConvertible {
        public var major: UInt8
        public var minor: UInt8
        public var build: UInt16
        public var subBuild: UInt16

        public init(major: UInt8, minor: UInt8, build: UInt16, subBuild: UInt16 = 0) {
            self.major = major
            self.minor = minor
            self.build = build
            self.subBuild = subBuild
        }

        public var description: String { "\(self.major).\(self.minor).\(self.build).\(self.subBuild)" }
    }

    public var version: Version
    public var encryption: TDSPreloginEncryption?
    /// From clients the instance name and a NUL; from servers one byte, 0 for a match and 1 for none.
    public var instance: [UInt8]?
    /// The client's thread id; servers answer with an empty option (``threadID`` nil, ``hasThreadID`` true).
    public var threadID: UInt32?
    public var hasThreadID: Bool
    public var mars: Bool?
    public var traceID: [UInt8]?
    public var federatedAuthenticationRequired: UInt8?
    public var nonce: [UInt8]?

    public init(
        version: Version, encryption: TDSPreloginEncryption?, instance: [UInt8]? = [0], threadID: UInt32? = nil,
        mars: Bool? = false
    ) {
        self.version = version
        self.encryption = encryption
        self.instance = instance
        self.threadID = threadID
        self.hasThreadID = threadID != nil
        self.mars = mars
    }

    private enum Option: UInt8 {
        case version = 0
        case encryption = 1
        case instance = 2
        case threadID = 3
        case mars = 4
        case traceID = 5
        case federatedAuthenticationRequired = 6
        case nonce = 7
    }

    private static let terminator: UInt8 = 0xFF

    public init(decoding message: ByteBuffer) throws(TDSWireError) {
        var table = message
        var isFirst = true
        self.init(version: Version(major: 0, minor: 0, build: 0), encryption: nil, instance: nil, mars: nil)
        while true {
            let token = try table.readTDS(UInt8.self)
            if token == Self.terminator { break }
            let offset = Int(try table.readTDS(UInt16.self, endianness: .big))
            let length = Int(try table.readTDS(UInt16.self, endianness: .big))
            guard offset + length <= message.readableBytes,
                var data = message.getSlice(at: message.readerIndex + offset, length: length)
            else {
                throw .malformed("PRELOGIN option \(token) at \(offset) with \(length) bytes, outside the message")
            }
            guard let option = Option(rawValue: token) else { continue }
            guard !isFirst || option == .version else { throw .malformed("PRELOGIN does not begin with VERSION") }
            isFirst = false
            try self.set(option, &data)
        }
        guard !isFirst else { throw .malformed("PRELOGIN without VERSION") }
    }

    private mutating func set(_ option: Option, _ data: inout ByteBuffer) throws(TDSWireError) {
        switch option {
        case .version:
            self.version = Version(
                major: try data.readTDS(UInt8.self), minor: try data.readTDS(UInt8.self),
                build: try data.readTDS(UInt16.self, endianness: .big), subBuild: try data.readTDS(UInt16.self))
        case .encryption:
            // The two high bits speak of client certificates in newer drafts.
            let raw = try data.readTDS(UInt8.self) & 0x3F
            guard let value = TDSPreloginEncryption(rawValue: raw) else { throw .malformed("PRELOGIN ENCRYPTION \(raw)") }
            self.encryption = value
        case .instance:
            self.instance = try data.readTDSBytes(data.readableBytes)
        case .threadID:
            self.hasThreadID = true
            self.threadID = data.readableBytes == 0 ? nil : try data.readTDS(UInt32.self)
        case .mars:
            self.mars = try data.readTDS(UInt8.self) != 0
        case .traceID:
            self.traceID = try data.readTDSBytes(data.readableBytes)
        case .federatedAuthenticationRequired:
            self.federatedAuthenticationRequired = try data.readTDS(UInt8.self)
        case .nonce:
            self.nonce = try data.readTDSBytes(data.readableBytes)
        }
    }

    public func encode() -> ByteBuffer {
        var options: [(Option, ByteBuffer)] = []
        var version = ByteBuffer()
        version.writeTDS(self.version.major)
        version.writeTDS(self.version.minor)
        version.writeTDS(self.version.build, endianness: .big)
        version.writeTDS(self.version.subBuild)
        options.append((.version, version))
        if let encryption { options.append((.encryption, ByteBuffer(bytes: [encryption.rawValue]))) }
        if let instance { options.append((.instance, ByteBuffer(bytes: instance))) }
        if self.hasThreadID {
            var data = ByteBuffer()
            if let threadID { data.writeTDS(threadID) }
            options.append((.threadID, data))
        }
        if let mars { options.append((.mars, ByteBuffer(bytes: [mars ? 1 : 0]))) }
        if let traceID { options.append((.traceID, ByteBuffer(bytes: traceID))) }
        if let federatedAuthenticationRequired {
            options.append((.federatedAuthenticationRequired, ByteBuffer(bytes: [federatedAuthenticationRequired])))
        }
        if let nonce { options.append((.nonce, ByteBuffer(bytes: nonce))) }

        var message = ByteBuffer()
        var offset = options.count * 5 + 1
        for (option, data) in options {
            message.writeTDS(option.rawValue)
            message.writeTDS(UInt16(offset), endianness: .big)
            message.writeTDS(UInt16(data.readableBytes), endianness: .big)
            offset += data.readableBytes
        }
        message.writeTDS(Self.terminator)
        for (_, data) in options { message.writeImmutableBuffer(data) }
        return message
    }
}
