import NIOCore
import NIOPosix
import SandboxStore

/// The loopback addresses of one sandbox: 127.N.0.0/16 for Services and 127.(N+64).0.0/16 for pods, so that several sandboxes can run on
/// one machine. The claim is a listening socket inside the block: it holds for as long as the process lives and leaves nothing behind.
final class LoopbackBlock: Sendable {
    private static let blocks = 96..<127
    private static let claimPort = 47100

    /// The first two bytes of Service addresses, as in `127.96`.
    let servicePrefix: String
    /// The first two bytes of pod addresses, as in `127.160`.
    let podPrefix: String
    /// Which of the blocks it is, from 0.
    let index: Int
    private let claim: any Channel

    private init(block: Int, claim: any Channel) {
        index = block - Self.blocks.lowerBound
        servicePrefix = "127.\(block)"
        podPrefix = "127.\(block + 64)"
        self.claim = claim
    }

    static func claim(group: any EventLoopGroup) async throws -> LoopbackBlock {
        for block in blocks {
            do {
                let claim = try await ServerBootstrap(group: group)
                    .childChannelInitializer { $0.close() }
                    .bind(host: "127.\(block).255.254", port: claimPort).get()
                return LoopbackBlock(block: block, claim: claim)
            } catch let error as IOError where error.errnoCode == EADDRINUSE {
                continue
            }
        }
        throw SandboxError("all \(blocks.count) blocks of loopback addresses are taken by running sandboxes: stop one of them")
    }

    func release() async throws { try await claim.close() }
}
