import NIOCore
import Testing

@testable import TDS

/// The single packet in `bytes`.
func onlyPacket(_ bytes: ByteBuffer) throws -> TDSPacket {
    var bytes = bytes
    var decoder = TDSPacketDecoder()
    let packet = try #require(try decoder.decode(buffer: &bytes))
    #expect(bytes.readableBytes == 0)
    return packet
}

/// All tokens of one response message.
func decodeTokens(_ payload: ByteBuffer) throws -> [TDSToken] {
    var decoder = TDSTokenDecoder()
    decoder.append(payload)
    var tokens: [TDSToken] = []
    while let token = try decoder.next() { tokens.append(token) }
    try decoder.endMessage()
    return tokens
}

/// The tokens as a server would send them.
func encodeTokens(_ tokens: [TDSToken]) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    for token in tokens { try token.encode(into: &buffer) }
    return buffer
}

extension TDSToken {
    var done: TDSDone? { if case .done(let done) = self { done } else { nil } }
    var row: TDSRow? { if case .row(let row) = self { row } else { nil } }
    var columns: TDSColumns? { if case .columnMetadata(let columns) = self { columns } else { nil } }
    var info: TDSServerMessage? { if case .info(let message) = self { message } else { nil } }
    var error: TDSServerMessage? { if case .error(let message) = self { message } else { nil } }
    var loginAck: TDSLoginAck? { if case .loginAck(let acknowledgement) = self { acknowledgement } else { nil } }
    var environmentChange: TDSEnvironmentChange? { if case .environmentChange(let change) = self { change } else { nil } }
    var features: [TDSFeature]? { if case .featureExtAck(let features) = self { features } else { nil } }
}
