/// The whole answer to a request.
public struct TDSResult: Sendable {
    /// One SELECT's columns and rows; a set without rows is a set too.
    public struct ResultSet: Sendable {
        public var columns: TDSColumns
        public var rows: [TDSRow]
    }

    public var resultSets: [ResultSet] = []
    /// The row counts of the statements that gave one, in their order.
    public var rowCounts: [UInt64] = []
    /// The server's remarks (INFO), such as PRINT's text.
    public var infos: [TDSServerMessage] = []
    public var returnStatus: Int32?
    public var returnValues: [TDSReturnValue] = []

    /// The first result set's rows.
    public var rows: [TDSRow] { self.resultSets.first?.rows ?? [] }

    mutating func append(_ token: TDSToken) {
        switch token {
        case .columnMetadata(let columns):
            if !columns.isEmpty { self.resultSets.append(ResultSet(columns: columns, rows: [])) }
        case .row(let row):
            // The decoder refuses a row before its columns, so there is a set.
            self.resultSets[self.resultSets.count - 1].rows.append(row)
        case .done(let done):
            if let count = done.affectedRows { self.rowCounts.append(count) }
        case .info(let message):
            self.infos.append(message)
        case .returnStatus(let status):
            self.returnStatus = status
        case .returnValue(let value):
            self.returnValues.append(value)
        case .error, .environmentChange, .loginAck, .featureExtAck, .order, .sessionState, .sspi, .federatedAuthenticationInfo,
            .tableName, .columnInfo:
            break
        }
    }
}

/// The server's name in its answer to the login.
public struct TDSServerVersion: Sendable, Hashable, CustomStringConvertible {
    public var product: String
    public var major: UInt8
    public var minor: UInt8
    public var build: UInt16
    /// The protocol's version, for example 0x74000004.
    public var tdsVersion: UInt32

    init(_ acknowledgement: TDSLoginAck) {
        self.product = String(acknowledgement.programName.prefix { $0 != "\0" })
        self.major = acknowledgement.major
        self.minor = acknowledgement.minor
        self.build = acknowledgement.build
        self.tdsVersion = acknowledgement.tdsVersion
    }

    public var description: String { "\(self.product) \(self.major).\(self.minor).\(self.build)" }
}
