public import NIOCore

/// The token bytes of a response (MS-TDS 2.2.7).
public enum TDSTokenType: UInt8, Sendable, Hashable {
    case returnStatus = 0x79
    case columnMetadata = 0x81
    case tableName = 0xA4
    case columnInfo = 0xA5
    case order = 0xA9
    case error = 0xAA
    case info = 0xAB
    case returnValue = 0xAC
    case loginAck = 0xAD
    case featureExtAck = 0xAE
    case row = 0xD1
    case nullBitmapRow = 0xD2
    case environmentChange = 0xE3
    case sessionState = 0xE4
    case sspi = 0xED
    case federatedAuthenticationInfo = 0xEE
    case done = 0xFD
    case doneProcedure = 0xFE
    case doneInProcedure = 0xFF
}

/// One token of a response. Large and rare values stand behind a reference, for the sake of the others.
public enum TDSToken: Sendable {
    case columnMetadata(TDSColumns)
    /// ROW or NBCROW.
    case row(TDSRow)
    case done(TDSDone)
    indirect case error(TDSServerMessage)
    indirect case info(TDSServerMessage)
    indirect case environmentChange(TDSEnvironmentChange)
    indirect case loginAck(TDSLoginAck)
    case featureExtAck([TDSFeature])
    /// The places, counted from 1, of the columns the result is ordered by.
    case order([UInt16])
    case returnStatus(Int32)
    indirect case returnValue(TDSReturnValue)
    indirect case sessionState(TDSSessionState)
    case sspi(ByteBuffer)
    case federatedAuthenticationInfo(ByteBuffer)
    /// TABNAME and COLINFO, which only browse mode sends; kept as bytes.
    case tableName(ByteBuffer)
    case columnInfo(ByteBuffer)
}

/// The end of a statement (DONEINPROC), of a procedure (DONEPROC) or of a batch's statement (DONE).
public struct TDSDone: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case done
        case procedure
        case inProcedure
    }

    public struct Status: OptionSet, Sendable, Hashable {
        public let rawValue: UInt16

        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// More results follow in this message.
        public static let more = Status(rawValue: 0x0001)
        public static let error = Status(rawValue: 0x0002)
        public static let inTransaction = Status(rawValue: 0x0004)
        /// ``TDSDone/rowCount`` is valid.
        public static let count = Status(rawValue: 0x0010)
        /// Acknowledges an attention.
        public static let attention = Status(rawValue: 0x0020)
        /// An error so bad that the results before it are to be thrown away.
        public static let serverError = Status(rawValue: 0x0100)
    }

    public var kind: Kind
    public var status: Status
    /// The kind of statement that ended; undocumented, SELECT is 0xC1.
    public var currentCommand: UInt16
    public var rowCount: UInt64

    public init(_ kind: Kind = .done, status: Status = [], currentCommand: UInt16 = 0, rowCount: UInt64 = 0) {
        self.kind = kind
        self.status = status
        self.currentCommand = currentCommand
        self.rowCount = rowCount
    }

    /// The row count, if the server gave one.
    public var affectedRows: UInt64? { self.status.contains(.count) ? self.rowCount : nil }
}

/// The content of ERROR and INFO (MS-TDS 2.2.7.10 and 2.2.7.13).
public struct TDSServerMessage: Sendable, Hashable, CustomStringConvertible {
    public var number: Int32
    public var state: UInt8
    /// The severity: up to 10 is information, 20 and more ends the connection.
    public var `class`: UInt8
    public var text: String
    public var server: String
    public var procedure: String
    public var line: Int32

    public init(
        number: Int32, state: UInt8 = 1, class: UInt8, text: String, server: String = "", procedure: String = "", line: Int32 = 1
    ) {
        self.number = number
        self.state = state
        self.class = `class`
        self.text = text
        self.server = server
        self.procedure = procedure
        self.line = line
    }

    public var description: String { "\(self.number) (state \(self.state), class \(self.class)): \(self.text)" }
}

/// LOGINACK (MS-TDS 2.2.7.14): the login was accepted.
public struct TDSLoginAck: Sendable, Hashable {
    public var interface: UInt8
    public var tdsVersion: UInt32
    /// The product's name; SQL Server pads it with NULs, which are kept.
    public var programName: String
    public var major: UInt8
    public var minor: UInt8
    public var build: UInt16

    public init(tdsVersion: UInt32, programName: String, major: UInt8, minor: UInt8, build: UInt16, interface: UInt8 = 1) {
        self.interface = interface
        self.tdsVersion = tdsVersion
        self.programName = programName
        self.major = major
        self.minor = minor
        self.build = build
    }
}

/// RETURNVALUE (MS-TDS 2.2.7.19): the value of an output parameter.
public struct TDSReturnValue: Sendable, Hashable {
    public var ordinal: UInt16
    public var name: String
    /// 1 for an output parameter, 2 for a function's result.
    public var status: UInt8
    public var userType: UInt32
    public var flags: UInt16
    public var typeInfo: TDSTypeInfo
    public var value: TDSValue

    public init(
        ordinal: UInt16, name: String, status: UInt8 = 1, userType: UInt32 = 0, flags: UInt16 = 0, typeInfo: TDSTypeInfo,
        value: TDSValue
    ) {
        self.ordinal = ordinal
        self.name = name
        self.status = status
        self.userType = userType
        self.flags = flags
        self.typeInfo = typeInfo
        self.value = value
    }
}

/// SESSIONSTATE (MS-TDS 2.2.7.21): what a driver would need to recover the session. Kept as bytes.
public struct TDSSessionState: Sendable, Hashable {
    public var sequence: UInt32
    public var status: UInt8
    public var states: [UInt8]

    public init(sequence: UInt32, status: UInt8, states: [UInt8]) {
        self.sequence = sequence
        self.status = status
        self.states = states
    }
}
