import Journal
import NIOCore
import NIOPosix
import Network
import Testing

@testable import Calibration

@Suite(.timeLimit(.minutes(1))) struct ForwarderTests {
    /// A stopped process is connected to until the queue of its listener is full, and then no more: the truth of a frozen path says so.
    @Test func aFrozenPathTakesConnectionsUntilItsQueueIsFull() async throws {
        let clock = RunClock()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ScriptedServer.start(host: "127.93.1.1", identity: nil, on: loop)
        let forwarder = try await Forwarder.start(host: "127.93.1.1", to: server.address, backlog: 2, on: loop)
        let frozen = try await forwarder.set(.frozen, clock: clock)
        #expect(try await forwarder.fullQueues() == [])

        // Linux takes one more than it is told.
        var connected: [any Channel] = []
        for _ in 0..<3 { connected.append(try await ClientBootstrap(group: loop).connect(to: forwarder.address).get()) }
        // A connection that its client resets stays in the queue.
        try await connected[0].closeWithReset().get()
        await #expect(throws: ChannelError.self) {
            try await ClientBootstrap(group: loop).connectTimeout(.milliseconds(100)).connect(to: forwarder.address).get()
        }
        let refused = clock.now

        let opened = try await forwarder.set(.open, clock: clock)
        connected.append(try await ClientBootstrap(group: loop).connect(to: forwarder.address).get())
        let accepted = clock.now
        var full: [TrueOutage] = []
        while full.isEmpty { full = try await forwarder.fullQueues() }
        let outage = try #require(full.first)
        #expect(full.count == 1)
        #expect(outage.began.lowerBound >= frozen.lowerBound && outage.began.upperBound <= refused)
        #expect(outage.ended.upperBound >= opened.lowerBound)
        #expect(outage.ended.lowerBound <= accepted)

        for channel in connected.dropFirst() { try await channel.close().get() }
        try await forwarder.stop()
        try await server.stop()
    }
}
