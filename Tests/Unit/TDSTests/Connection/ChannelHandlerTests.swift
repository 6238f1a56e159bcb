import NIOCore
import NIOEmbedded
import Testing

@testable import TDS

@Suite struct ChannelHandlerTests {
    /// The TLS handler decrypts into one buffer for as long as it is the only one to hold it; else it copies all of it for every read.
    @Test(arguments: [1.0, 0.5]) func whatWasReadIsLetGoOf(part: Double) throws {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish() }
        let configuration = TDSConfiguration(host: "127.0.0.1", user: "sa", password: "secret", encryption: .off)
        let handler = TDSChannelHandler(eventLoop: channel.eventLoop, configuration: configuration, tls: nil, resolvingSince: nil)
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1433)).wait()

        let reply = TDSPacketEncoder().encode(.tabularResult, TDSPrelogin.reply(.notSupported).encode())[0]
        var buffer = channel.allocator.buffer(buffer: try #require(reply.getSlice(at: 0, length: Int(Double(reply.readableBytes) * part))))
        let storage = buffer.storage
        try channel.writeInbound(buffer)
        buffer.setInteger(UInt8(0), at: 0)
        #expect(buffer.storage == storage)
    }
}

extension ByteBuffer {
    fileprivate var storage: UnsafeRawPointer? { withUnsafeReadableBytes { $0.baseAddress } }
}
