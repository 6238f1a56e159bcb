import NIOCore

/// Stands between the socket and the TLS handler after a login of which the first packet alone was encrypted, until the server's first
/// byte tells whether it goes on in the clear, as the protocol says, or in TLS, as some servers do that refuse a login.
final class TDSLoginAnswerGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// The types of TLS records, none of which is the type of a server's packet.
    private static let recordTypes: ClosedRange<UInt8> = 20...23

    private let onClear: () -> Void
    private var isDecided = false

    init(onClear: @escaping () -> Void) { self.onClear = onClear }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !self.isDecided, let first = self.unwrapInboundIn(data).readableBytesView.first {
            self.isDecided = true
            if !Self.recordTypes.contains(first) { self.onClear() }
        }
        context.fireChannelRead(data)
    }
}
