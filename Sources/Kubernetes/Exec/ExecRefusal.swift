import NIOCore
import NIOHTTP1

/// An HTTP answer in place of the upgrade.
struct ExecRefusal: Sendable {
    var status = 0
    var headers: [String: String] = [:]
    var body: [UInt8] = []
}

/// Reads the whole of it: its body is a Status that says why.
final class ExecRefusalHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private static let bodyLimit = 1 << 20
    private var refusal = ExecRefusal()
    private var promise: EventLoopPromise<ExecRefusal>?

    init(promise: EventLoopPromise<ExecRefusal>) {
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            refusal.status = Int(head.status.code)
            for (name, value) in head.headers { refusal.headers[name.lowercased()] = value }
        case .body(let buffer):
            if refusal.body.count < Self.bodyLimit { refusal.body += buffer.readableBytesView }
        case .end:
            finish()
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish()
        context.fireChannelInactive()
    }

    private func finish() {
        promise?.succeed(refusal)
        promise = nil
    }
}
