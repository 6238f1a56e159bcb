import NIOCore
import Testing

@testable import TDS

@Suite struct PacketTests {
    @Test(arguments: [0, 1, 503, 504, 505, 1008, 1009, 300_000])
    func aMessageSurvivesBeingCut(length: Int) throws {
        let message = ByteBuffer(bytes: (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        let encoder = TDSPacketEncoder(packetSize: 512, spid: 77)
        let packets = encoder.encode(.sqlBatch, message, firstStatus: .resetConnection)
        #expect(packets.count == max(1, (length + 503) / 504))

        var assembler = TDSMessageAssembler(maximumLength: 1 << 20)
        var decoder = TDSPacketDecoder(maximumSize: 512)
        for (index, bytes) in packets.enumerated() {
            var bytes = bytes
            let packet = try #require(try decoder.decode(buffer: &bytes))
            #expect(packet.spid == 77)
            #expect(packet.id == UInt8(truncatingIfNeeded: index + 1))
            #expect(packet.status.contains(.resetConnection) == (index == 0))
            let whole = try assembler.append(packet)
            #expect((whole != nil) == (index == packets.count - 1))
            if let whole {
                #expect(whole.body == message)
                #expect(whole.firstStatus.contains(.resetConnection))
                #expect(!whole.isIgnored)
            }
        }
        #expect(!assembler.isInsideMessage)
    }

    @Test func aPacketIsFoundByteByByte() throws {
        var buffer = ByteBuffer()
        var decoder = TDSPacketDecoder()
        let bytes = Array(SpecificationPacket.sqlBatchRequest.readableBytesView)
        for (index, byte) in bytes.enumerated() {
            buffer.writeInteger(byte)
            let packet = try decoder.decode(buffer: &buffer)
            #expect((packet != nil) == (index == bytes.count - 1))
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\u{15}\u{3}\u{3}\0\u{2}"])
    func anotherProtocolIsRefusedAtItsFirstByte(greeting: String) {
        var buffer = ByteBuffer(string: String(greeting.prefix(1)))
        var decoder = TDSPacketDecoder()
        #expect(throws: TDSWireError.self) { try decoder.decode(buffer: &buffer) }
    }

    @Test(arguments: [0, 7, 32768, 65535] as [UInt16])
    func anImpossibleLengthIsRefused(length: UInt16) {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(UInt8(4), UInt8(1), length, UInt16(0), UInt8(1), UInt8(0))
        var decoder = TDSPacketDecoder()
        #expect(throws: TDSWireError.self) { try decoder.decode(buffer: &buffer) }
    }

    @Test func aMessageHasALimitAndOneType() throws {
        var assembler = TDSMessageAssembler(maximumLength: 10)
        let half = TDSPacket(type: .sqlBatch, status: [], payload: ByteBuffer(repeating: 0, count: 6))
        #expect(try assembler.append(half) == nil)
        #expect(throws: TDSWireError.self) { try assembler.append(half) }

        var mixed = TDSMessageAssembler(maximumLength: 100)
        #expect(try mixed.append(half) == nil)
        #expect(throws: TDSWireError.self) { try mixed.append(TDSPacket(type: .rpc, status: [], payload: ByteBuffer())) }
    }

    @Test func aWithdrawnMessageSaysSo() throws {
        var assembler = TDSMessageAssembler(maximumLength: 100)
        let packet = TDSPacket(type: .sqlBatch, status: [.endOfMessage, .ignore], payload: ByteBuffer())
        #expect(try assembler.append(packet)?.isIgnored == true)
    }
}
