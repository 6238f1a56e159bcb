import NIOCore

/// A request ready to be sent but for the transaction it belongs to, which is known only when its turn comes.
struct TDSRequest: Sendable {
    /// Where ALL_HEADERS holds the transaction descriptor: behind its length, the header's length and type.
    private static let descriptorOffset = 10
    /// Most requests fit in; longer ones grow.
    static let usualLength = 1024

    let type: TDSPacketType
    private var message: ByteBuffer

    /// A batch.
    init(_ sql: String) {
        var message = ByteBufferAllocator().buffer(capacity: Self.usualLength)
        TDSSQLBatch(sql).encode(into: &message)
        self.type = .sqlBatch
        self.message = message
    }

    /// A call of `sp_executesql`.
    init(_ statement: TDSStatement, _ values: some Collection<TDSValue>) throws(TDSError) {
        do throws(TDSWireError) {
            self.message = try statement.request(values)
        } catch {
            throw TDSError(.request, phase: .query, detail: "\(error)")
        }
        self.type = .rpc
    }

    /// A batch, or with parameters a call.
    init(_ sql: String, parameters: [TDSParameter]) throws(TDSError) {
        if parameters.isEmpty {
            self.init(sql)
        } else {
            try self.init(TDSStatement(sql, parameters.map { ($0.name, $0.typeInfo) }), parameters.lazy.map(\.value))
        }
    }

    /// The bytes to send.
    func message(transactionDescriptor: UInt64) -> ByteBuffer {
        guard transactionDescriptor != 0 else { return self.message }
        var message = self.message
        message.setInteger(transactionDescriptor, at: message.readerIndex + Self.descriptorOffset, endianness: .little)
        return message
    }
}
