extension Session {
    /// The value of a binding at the moment the statement runs.
    func value(of binding: Binding) -> SQLValue {
        switch binding {
        case .variable(let name): variables[name]?.value ?? .null
        case .session(let value): self.value(of: value)
        }
    }

    private func value(of value: SessionValue) -> SQLValue {
        switch value {
        case .transactionCount: .integer(Int64(transaction.count))
        case .rowCount: .integer(Int64(lastRowCount))
        case .sessionID: .integer(Int64(identity.id))
        case .version: .text(server.product.versionText)
        case .serverName: .text(server.product.serverName)
        case .languageName: .text("us_english")
        case .error: .integer(Int64(lastError))
        case .identity, .scopeIdentity: lastIdentity.map { .integer($0) } ?? .null
        case .options: .integer(optionBits)
        case .databaseName: .text(database)
        case .databaseID: .integer(Int64(server.databases[database]?.id ?? 0))
        case .login: .text(identity.login)
        case .user: .text(server.databases[database].map(owns) ?? true ? "dbo" : "guest")
        case .hostName: .text(identity.host)
        case .applicationName: .text(identity.application)
        case .lockTimeout: .integer(Int64(options.lockTimeout))
        case .maximumPrecision: .integer(Int64(DataType.maximumPrecision))
        case .textSize: .integer(-1)
        case .dateFirst: .integer(7)
        case .nestLevel: .integer(0)
        case .transactionState: .integer(transaction.count > 0 ? 1 : 0)
        case .now: .text(Clock.now().text(as: .datetime))
        case .utcNow: .text(Clock.now().text(as: .datetime2(scale: 7)))
        }
    }

    /// `@@OPTIONS`: ANSI_WARNINGS, ANSI_PADDING, ANSI_NULLS, ARITHABORT, ANSI_NULL_DFLT_ON and CONCAT_NULL_YIELDS_NULL are always on.
    private var optionBits: Int64 {
        var bits: Int64 = 8 | 16 | 32 | 64 | 1024 | 4096
        if options.implicitTransactions { bits |= 2 }
        if options.quotedIdentifier { bits |= 256 }
        if options.noCount { bits |= 512 }
        if options.xactAbort { bits |= 16_384 }
        return bits
    }
}
