import Foundation
import NIOCore

/// Asks an HTTP proxy for a tunnel (`CONNECT`) and lets the connection begin when it stands.
final class ProxyConnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headLimit = 64 << 10
    private let target: String
    private var answer = ByteBuffer()

    init(target: String) {
        self.target = target
    }

    func channelActive(context: ChannelHandlerContext) {
        // The next handler speaks as soon as the channel is active, so that must not be before the tunnel stands.
        let request = ByteBuffer(string: "CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\nUser-Agent: aftershock\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var piece = unwrapInboundIn(data)
        answer.writeBuffer(&piece)
        let text = String(buffer: answer)
        guard let end = text.range(of: "\r\n\r\n") else {
            if answer.readableBytes > Self.headLimit { fail("gave no answer to CONNECT", context) }
            return
        }
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), words[1] == "200" else {
            let status = words.dropFirst().first.map(String.init) ?? "no HTTP"
            return fail("refused the tunnel (\(status))", context)
        }
        answer.moveReaderIndex(forwardBy: text[..<end.upperBound].utf8.count)
        let rest = answer
        context.fireChannelActive()
        if rest.readableBytes > 0 { context.fireChannelRead(NIOAny(rest)) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail("closed the connection", context)
        context.fireChannelInactive()
    }

    private func fail(_ problem: String, _ context: ChannelHandlerContext) {
        context.fireErrorCaught(
            KubernetesError(.proxyFailed, "the proxy \(problem)", hint: "Check proxy-url in the kubeconfig and HTTPS_PROXY."))
    }
}
