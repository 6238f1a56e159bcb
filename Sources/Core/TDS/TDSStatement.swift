import NIOCore

/// A statement with parameters of which all but the values is encoded once, for any number of executions.
public struct TDSStatement: Sendable {
    private struct Parameter: Sendable {
        /// Its name and type, as they stand before its value.
        var head: ByteBuffer
        var typeInfo: TDSTypeInfo
    }

    /// A call of `sp_executesql` up to the first value, and what stands before each value.
    private struct Template: Sendable {
        var call: ByteBuffer
        var parameters: [Parameter]
    }

    public let text: String
    /// Its error is thrown when the statement is executed.
    private let template: Result<Template, TDSWireError>

    /// - Parameter parameters: the names, without the `@` that they have in the text, and the types.
    public init(_ text: String, _ parameters: [(name: String, type: TDSTypeInfo)]) {
        self.text = text
        self.template = Result { () throws(TDSWireError) in try Self.template(text, parameters) }
    }

    /// The request with these values, one for each parameter.
    func request(_ values: some Collection<TDSValue>) throws(TDSWireError) -> ByteBuffer {
        let template = try self.template.get()
        guard values.count == template.parameters.count else {
            throw .unencodable("\(values.count) values for \(template.parameters.count) parameters")
        }
        var message = ByteBufferAllocator().buffer(capacity: template.call.readableBytes + TDSRequest.usualLength)
        message.writeImmutableBuffer(template.call)
        for (parameter, value) in zip(template.parameters, values) {
            message.writeImmutableBuffer(parameter.head)
            try parameter.typeInfo.encodeValue(value, into: &message)
        }
        return message
    }

    private static func template(
        _ text: String, _ parameters: [(name: String, type: TDSTypeInfo)]
    ) throws(TDSWireError) -> Template {
        var declarations: [String] = []
        var heads: [Parameter] = []
        for (name, type) in parameters {
            guard let declaration = type.declaration else {
                throw .unencodable("parameter '\(name)' has a type that cannot be declared")
            }
            declarations.append("@\(name) \(declaration)")
            var head = ByteBuffer()
            try TDSRPCRequest.Parameter("@\(name)", type, .null).encodeHead(into: &head)
            heads.append(Parameter(head: head, typeInfo: type))
        }
        let texts = [text, declarations.joined(separator: ",")].map { text in
            // A constant type keeps the request's shape; longer texts must be chunked.
            TDSRPCRequest.Parameter("", .nVarChar(text.utf16.count <= 4000 ? 4000 : nil), .string(text))
        }
        var call = ByteBuffer()
        try TDSRPCRequest([TDSRPCRequest.Call(.executeSQL, parameters: texts)]).encode(into: &call)
        return Template(call: call, parameters: heads)
    }
}
