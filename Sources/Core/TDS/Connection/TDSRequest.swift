import NIOCore

/// A request ready to be sent but for the transaction it belongs to, which is known only when its turn comes.
struct TDSRequest: Sendable {
    /// Where ALL_HEADERS holds the transaction descriptor: behind its length, the header's length and type.
    private static let descriptorOffset = 10
    /// Most requests fit in; longer ones grow.
    private static let usualLength = 1024

    let type: TDSPacketType
    private var message: ByteBuffer

    /// A batch, or with parameters a call of `sp_executesql`.
    init(_ sql: String, parameters: [TDSParameter]) throws(TDSError) {
        var message = ByteBufferAllocator().buffer(capacity: Self.usualLength)
        if parameters.isEmpty {
            self.type = .sqlBatch
            TDSSQLBatch(sql).encode(into: &message)
        } else {
            self.type = .rpc
            do throws(TDSWireError) {
                try Self.executeSQL(sql, parameters).encode(into: &message)
            } catch {
                throw TDSError(.request, phase: .query, detail: "\(error)")
            }
        }
        self.message = message
    }

    /// The bytes to send.
    func message(transactionDescriptor: UInt64) -> ByteBuffer {
        guard transactionDescriptor != 0 else { return self.message }
        var message = self.message
        message.setInteger(transactionDescriptor, at: message.readerIndex + Self.descriptorOffset, endianness: .little)
        return message
    }

    private static func executeSQL(_ sql: String, _ parameters: [TDSParameter]) throws(TDSWireError) -> TDSRPCRequest {
        var declarations: [String] = []
        var values: [TDSRPCRequest.Parameter] = []
        for parameter in parameters {
            guard let declaration = parameter.typeInfo.declaration else {
                throw .unencodable("parameter '\(parameter.name)' has a type that cannot be declared")
            }
            declarations.append("@\(parameter.name) \(declaration)")
            values.append(TDSRPCRequest.Parameter("@\(parameter.name)", parameter.typeInfo, parameter.value))
        }
        let texts = [sql, declarations.joined(separator: ",")].map { text in
            // A constant type keeps the request's shape; longer texts must be chunked.
            TDSRPCRequest.Parameter("", .nVarChar(text.utf16.count <= 4000 ? 4000 : nil), .string(text))
        }
        return TDSRPCRequest([TDSRPCRequest.Call(.executeSQL, parameters: texts + values)])
    }
}
