import NIOCore
import NIOEmbedded

@testable import TDS

/// Packets are the same however the stream is cut.
func fuzzPackets(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    func packets(_ pieces: [[UInt8]]) -> [TDSPacket] {
        var decoder = TDSPacketDecoder()
        var assembler = TDSMessageAssembler(maximumLength: 1 << 16)
        var buffer = ByteBuffer()
        var packets: [TDSPacket] = []
        for piece in pieces {
            buffer.writeBytes(piece)
            do {
                while let packet = try decoder.decode(buffer: &buffer) {
                    packets.append(packet)
                    _ = try? assembler.append(packet)
                }
            } catch { break }
        }
        return packets
    }
    expect(packets(stream.pieces) == packets([stream.whole]), "pieces are read otherwise than the whole")
}

/// Tokens are the same however the response is cut into packets, and the same again when they are encoded and decoded.
func fuzzTokens(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    let whole = tokens([stream.whole])
    let encoded = encode(whole)
    expect(encode(tokens(stream.pieces)) == encoded, "pieces are read otherwise than the whole")
    for token in whole {
        guard case .row(let row) = token, let values = try? row.values() else { continue }
        for index in values.indices.prefix(8) {
            guard let value = try? row[index] else { fatalError("column \(index) is read with the others and not alone") }
            expect(value == values[index] || "\(value)" == "\(values[index])", "column \(index) is read otherwise alone")
        }
    }
    // A token that came may be one that cannot be sent: then nothing is known.
    guard let encoded else { return }
    expect(encode(tokens([Array(encoded.readableBytesView)])) == encoded, "what was encoded is read otherwise")
}

private func tokens(_ pieces: [[UInt8]]) -> [TDSToken] {
    var decoder = TDSTokenDecoder()
    var tokens: [TDSToken] = []
    for (index, piece) in pieces.enumerated() {
        decoder.append(ByteBuffer(bytes: piece), isEndOfMessage: index == pieces.count - 1)
        do {
            while let token = try decoder.next() { tokens.append(token) }
        } catch { break }
    }
    return tokens
}

private func encode(_ tokens: [TDSToken]) -> ByteBuffer? {
    var buffer = ByteBuffer()
    for token in tokens {
        do { try token.encode(into: &buffer) } catch { return nil }
    }
    return buffer
}

/// A server that says anything: by the end the outcome of connecting, and that of a query, are known.
func fuzzClient(_ bytes: [UInt8]) {
    guard let stream = Stream(bytes) else { return }
    let channel = EmbeddedChannel()
    let configuration = TDSConfiguration(host: "127.0.0.1", user: "sa", password: "secret", encryption: .off)
    let handler = TDSChannelHandler(eventLoop: channel.eventLoop, configuration: configuration, tls: nil, resolvingSince: nil)
    var isDone = false
    handler.outcome.assumeIsolated().whenComplete { _ in isDone = true }
    guard (try? channel.pipeline.syncOperations.addHandler(handler)) != nil,
        let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 1433), (try? channel.connect(to: address).wait()) != nil,
        let query = try? TDSRequest("select 1", parameters: [])
    else { fatalError("the client does not connect") }
    var sink: Sink?
    for piece in stream.pieces {
        _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
        if isDone, sink == nil {
            sink = Sink()
            if let sink { handler.execute(query, id: 1, timeout: .seconds(1), sink: sink) }
        }
        while (try? channel.readOutbound(as: ByteBuffer.self)) != nil {}
        guard channel.isActive else { break }
    }
    channel.embeddedEventLoop.advanceTime(by: .seconds(120))
    _ = try? channel.finish(acceptAlreadyClosed: true)
    expect(isDone, "connecting has no outcome")
    expect(sink.map { $0.ends == 1 } ?? true, "a request ended \(sink?.ends ?? 0) times")
}

private final class Sink: TDSResponseSink {
    let maximumLength: Int? = 1 << 16
    private(set) var ends = 0

    func receiveRows(_ tokens: inout TDSTokenDecoder) throws(TDSWireError) -> Bool {
        try tokens.takeRows { row in
            for _ in row.columns { guard (try? row.value()) != nil else { return false } }
            return true
        }
    }

    func receive(_ token: TDSToken) {}
    func finish(_ error: TDSError?) { ends += 1 }
}

/// A message that was read is read the same when it is sent again, on both sides.
func fuzzPrelogin(_ bytes: [UInt8]) {
    guard let prelogin = try? TDSPrelogin(decoding: ByteBuffer(bytes: bytes)) else { return }
    guard let again = try? TDSPrelogin(decoding: prelogin.encode()) else { fatalError("its own bytes are refused") }
    expect(again == prelogin, "its own bytes are read otherwise")
}

func fuzzLogin(_ bytes: [UInt8]) {
    guard let login = try? TDSLogin(decoding: ByteBuffer(bytes: bytes)), let encoded = try? login.encode() else { return }
    guard let again = try? TDSLogin(decoding: encoded) else { fatalError("its own bytes are refused") }
    expect((try? again.encode()) == encoded, "its own bytes are read otherwise")
}

func fuzzRPC(_ bytes: [UInt8]) {
    var encoded = ByteBuffer()
    guard let request = try? TDSRPCRequest(decoding: ByteBuffer(bytes: bytes)), (try? request.encode(into: &encoded)) != nil else { return }
    var twice = ByteBuffer()
    guard let again = try? TDSRPCRequest(decoding: encoded), (try? again.encode(into: &twice)) != nil else {
        fatalError("its own bytes are refused: \(request)")
    }
    expect(twice == encoded, "its own bytes are read otherwise: \(request) and \(again)")
}
