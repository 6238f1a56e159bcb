import NIOCore
import Testing

@testable import TDS

@Suite struct TokenDecoderTests {
    /// A response with every token a client can meet.
    private static func response() throws -> ByteBuffer {
        let columns = TDSColumns(TypedValue.all.enumerated().map { TDSColumn("c\($0.offset)", $0.element.type, tableName: []) })
        var buffer = try encodeTokens([
            .environmentChange(.database(new: "ledger", old: "master")),
            .environmentChange(.transactionBegun(42)), .environmentChange(.transactionRolledBack(42)), .environmentChange(.sessionReset),
            .environmentChange(.routing(TDSRoute(host: "other.example", port: 1444))),
            .environmentChange(.other(type: 99, data: ByteBuffer(bytes: [1, 2, 3]))),
            .info(
                TDSServerMessage(
                    number: 5701, class: 0, text: "Changed database context to 'ledger'.", server: "s", procedure: "p", line: 3)),
            .error(TDSServerMessage(number: 50000, state: 2, class: 16, text: "Fehler: ü 🌍")),
            .loginAck(
                TDSLoginAck(tdsVersion: TDSProtocolVersion.tds74, programName: "Microsoft SQL Server", major: 16, minor: 0, build: 4135)),
            .featureExtAck([.utf8]),
            .columnMetadata(columns),
            .order([1, 2]),
        ])
        let values = TypedValue.all.map(\.value)
        let nulls: [TDSValue] = TypedValue.all.enumerated().map { sample in
            if case .fixed = sample.element.type.layout {
                sample.element.value
            } else {
                sample.offset.isMultiple(of: 2) ? .null : sample.element.value
            }
        }
        try TDSRow.encode(values, columns: columns, into: &buffer)
        try TDSRow.encodeWithNullBitmap(values, columns: columns, into: &buffer)
        try TDSRow.encodeWithNullBitmap(nulls, columns: columns, into: &buffer)
        try TDSRow.encode(nulls, columns: columns, into: &buffer)
        buffer.writeImmutableBuffer(
            try encodeTokens([
                .done(TDSDone(.inProcedure, status: [.more, .count], rowCount: 4)), .returnStatus(-6),
                .returnValue(TDSReturnValue(ordinal: 0, name: "@handle", typeInfo: .int, value: .int(7))),
                .sessionState(TDSSessionState(sequence: 1, status: 1, states: [9, 1, 0])),
                .sspi(ByteBuffer(bytes: [1])), .federatedAuthenticationInfo(ByteBuffer(bytes: [2])),
                .tableName(ByteBuffer(bytes: [3])), .columnInfo(ByteBuffer(bytes: [4])),
                .done(TDSDone(.procedure, rowCount: 4)),
            ]))
        return buffer
    }

    private func tokens(_ response: ByteBuffer, cutInto lengths: () -> Int) throws -> [TDSToken] {
        var decoder = TDSTokenDecoder()
        var rest = response
        var tokens: [TDSToken] = []
        while rest.readableBytes > 0 {
            let slice = rest.readSlice(length: min(max(1, lengths()), rest.readableBytes))
            decoder.append(try #require(slice))
            while let token = try decoder.next() { tokens.append(token) }
        }
        try decoder.endMessage()
        return tokens
    }

    @Test func readsAWholeResponse() throws {
        let response = try Self.response()
        let tokens = try decodeTokens(response)
        #expect(tokens.count == 25)
        #expect(try encodeTokens(tokens) == response)
        let rows = tokens.compactMap(\.row)
        let values = TypedValue.all.map(\.value)
        #expect(try rows[0].values() == values)
        #expect(try rows[1].values() == values)
        #expect(try rows[2].values() == rows[3].values())
        for (index, value) in values.enumerated() {
            #expect(try rows[0][index] == value)
            #expect(try rows[1][index] == value)
            #expect(try rows[2][index] == rows[3][index])
        }
    }

    @Test func readsItByteByByte() throws {
        let response = try Self.response()
        #expect(try encodeTokens(try self.tokens(response) { 1 }) == response)
    }

    @Test func readsItInRandomPieces() throws {
        let response = try Self.response()
        for _ in 0..<50 {
            var lengths: [Int] = []
            let tokens = try self.tokens(response) {
                let length = Int.random(in: 1...Int.random(in: 1...8000))
                lengths.append(length)
                return length
            }
            #expect(try encodeTokens(tokens) == response, "cut into \(lengths)")
        }
    }

    @Test func aResponseCutShortIsAnErrorNeverAnEnd() throws {
        let response = try Self.response()
        for length in stride(from: 1, to: response.readableBytes, by: 37) {
            let cut = try #require(response.getSlice(at: response.readerIndex, length: length))
            // Between two tokens the decoder cannot know; the final DONE is the state machine's business.
            if let tokens = try? decodeTokens(cut) { #expect(tokens.last?.done?.status.contains(.more) != false) }
        }
    }

    @Test func damageIsAnErrorOrAnotherValueNeverACrash() throws {
        let response = try Self.response()
        for _ in 0..<1000 {
            var damaged = response
            for _ in 0..<Int.random(in: 1...4) {
                damaged.setInteger(UInt8.random(in: 0...255), at: Int.random(in: 0..<min(4000, damaged.readableBytes)))
            }
            guard let tokens = try? decodeTokens(damaged) else { continue }
            for row in tokens.compactMap(\.row) { _ = try? row.values() }
        }
    }

    @Test func anUnknownTokenStopsEverything() {
        #expect(throws: TDSWireError.self) { try decodeTokens(ByteBuffer(bytes: [0x00])) }
        #expect(throws: TDSWireError.self) { try decodeTokens(ByteBuffer(bytes: [0x42, 1, 2, 3])) }
    }

    @Test func aRowNeedsItsColumns() {
        #expect(throws: TDSWireError.self) { try decodeTokens(ByteBuffer(bytes: [0xD1, 0])) }
    }

    @Test func aTokenLongerThanItSaysIsMalformed() {
        // An ERROR of two bytes.
        #expect(throws: TDSWireError.self) { try decodeTokens(ByteBuffer(bytes: [0xAA, 2, 0, 1, 2])) }
    }

    @Test func heldRowsDoNotChangeWhenMoreArrives() throws {
        let columns = TDSColumns([TDSColumn("n", .int), TDSColumn("t", .nVarChar(100))])
        var buffer = try encodeTokens([.columnMetadata(columns)])
        for number in 0..<2000 {
            try TDSRow.encode([.int(Int32(number)), .string("row \(number)")], columns: columns, into: &buffer)
        }
        let rows = try self.tokens(buffer) { 997 }.compactMap(\.row)
        #expect(rows.count == 2000)
        for (number, row) in rows.enumerated() {
            #expect(try row.values() == [.int(Int32(number)), .string("row \(number)")])
        }
    }

    @Test func requestsSurviveTheRoundTrip() throws {
        let headers = TDSRequestHeaders(transactionDescriptor: 9)
        let request = TDSRPCRequest(
            [
                TDSRPCRequest.Call(
                    .executeSQL,
                    parameters: TypedValue.all.filter { $0.type.type != .variant }.map { TDSRPCRequest.Parameter("@p", $0.type, $0.value) }),
                TDSRPCRequest.Call(.name("sp_who"), flags: 1, parameters: []),
            ], headers: headers)
        var buffer = ByteBuffer()
        try request.encode(into: &buffer)
        #expect(try TDSRPCRequest(decoding: buffer) == request)
        for length in 0..<min(400, buffer.readableBytes) {
            let cut = try #require(buffer.getSlice(at: 0, length: length))
            _ = try? TDSRPCRequest(decoding: cut)
        }

        for action: TDSTransactionRequest.Action in [
            .begin(.snapshot, name: "t"), .commit(name: ""), .rollback(name: "t"), .save(name: "s"),
        ] {
            var buffer = ByteBuffer()
            try TDSTransactionRequest(action, headers: headers).encode(into: &buffer)
            #expect(try TDSTransactionRequest(decoding: buffer) == TDSTransactionRequest(action, headers: headers))
        }
    }

    // MARK: Work that grows with the bytes alone

    /// Cuts the payload as a server does that was told to send small packets.
    private func decode(_ response: ByteBuffer, packet length: Int, _ check: (inout TDSTokenDecoder) -> Void = { _ in }) throws
        -> [TDSToken]
    {
        var decoder = TDSTokenDecoder()
        var rest = response
        var tokens: [TDSToken] = []
        while let slice = rest.readSlice(length: min(length, rest.readableBytes)), slice.readableBytes > 0 {
            decoder.append(slice, isEndOfMessage: rest.readableBytes == 0)
            while let token = try decoder.next() { tokens.append(token) }
            check(&decoder)
        }
        try decoder.endMessage()
        return tokens
    }

    @Test func columnsThatHaveComeAreNotReadAgain() throws {
        let columns = TDSColumns((0..<10_000).map { TDSColumn("column number \($0)", .nVarChar(50)) })
        let response = try encodeTokens([.columnMetadata(columns), .done(TDSDone())])
        let tokens = try decode(response, packet: 492) { #expect($0.unreadBytes < 100) }
        #expect(tokens.first?.columns.map { Array($0) } == Array(columns))
        #expect(tokens.count == 2)
    }

    @Test(.timeLimit(.minutes(5))) func aRowInManySmallPiecesIsReadOnce() throws {
        let columns = TDSColumns([TDSColumn("n", TDSTypeInfo(.int)), TDSColumn("x", .varBinary(nil)), TDSColumn("m", TDSTypeInfo(.int))])
        let length = 1 << 20
        var response = try encodeTokens([.columnMetadata(columns)])
        response.writeTDS(TDSTokenType.row.rawValue)
        response.writeTDS(Int32(1))
        response.writeTDS(TDSValueLayout.chunkedUnknown)
        for _ in 0..<length { response.writeBytes([1, 0, 0, 0, 0x5A]) }
        response.writeTDS(UInt32(0))
        response.writeTDS(Int32(2))
        response.writeImmutableBuffer(try encodeTokens([.done(TDSDone())]))
        let rows = try decode(response, packet: 492).compactMap(\.row)
        #expect(rows.count == 1)
        #expect(try rows.first?.values() == [.int(1), .binary(ByteBuffer(repeating: 0x5A, count: length)), .int(2)])
    }

    @Test(.timeLimit(.minutes(1))) func anOutputValueInManySmallPieces() throws {
        let value = TDSReturnValue(
            ordinal: 0, name: "@x", typeInfo: .varBinary(nil), value: .binary(ByteBuffer(repeating: 1, count: 4 << 20)))
        let tokens = try decode(try encodeTokens([.returnValue(value), .done(TDSDone())]), packet: 492)
        guard case .returnValue(let read) = tokens.first else { throw Unexpected("\(tokens.count) tokens, and no output value first") }
        #expect(read == value)
    }
}
