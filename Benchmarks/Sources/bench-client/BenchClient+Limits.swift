import Journal
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Probe
import Synchronization

extension BenchClient {
    /// A TLS handshake and nothing else, with the server's TDS 8.0.
    func handshakes(_ loop: any EventLoop) async throws {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.applicationProtocols = ["tds/8.0"]
        configuration.maximumTLSVersion = .tlsv12
        let tls = try NIOSSLContext(configuration: configuration)
        try await Meter.measure(count) { _ in
            let done = loop.makePromise(of: Void.self)
            let channel = try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandlers(handler, HandshakeWatch(done))
                    }
                }
                .connect(host: host, port: port).get()
            try await done.futureResult.get()
            try await channel.close()
        }
    }

    /// Probes on their schedule, as a run does, `count` of them after a second of warming up: one every `interval` in all, by `targets`
    /// runners in turn.
    func schedule(_ loop: any EventLoop) async throws {
        let lag = Mutex<[Int64]>([])
        let skipped = Atomic(0)
        let failed = Atomic(0)
        let interval = Duration.microseconds(interval)
        let cadence = ProbeConfiguration.Cadence(interval: interval * targets, timeout: .seconds(2), inFlightCap: 100)
        let health = HealthMonitor(lanes: [.login: 1])
        let clock = RunClock()
        let runner = ProbeRunner(
            ProbeConfiguration(server: server, tracks: [.login: cadence], runID: "bench"), clock: clock, on: loop, logins: loop,
            health: health,
            record: { event in
                switch event {
                case .probe(let probe):
                    lag.withLock { $0.append(probe.started.nanoseconds - probe.intended.nanoseconds) }
                    if probe.failure != nil { failed.add(1, ordering: .relaxed) }
                case .probeSkipped: skipped.add(1, ordering: .relaxed)
                default: break
                }
            })
        let warmUp = max(targets, Int(Duration.seconds(1) / interval))
        let count = count
        try await withThrowingTaskGroup(of: Void.self) { group in
            let begun = clock.now
            for target in 0..<targets {
                group.addTask(executorPreference: EventLoopTaskExecutor(loop)) {
                    await loop.sleep(until: begun + interval * target, of: clock)
                    try await runner.run()
                }
            }
            func reached(_ total: Int) async throws {
                _ = try await health.wait { health in
                    let lane = health.tracks[.login]?.first
                    return (lane?.successes ?? 0) + (lane?.failures ?? 0) + (lane?.skipped ?? 0) >= total
                }
            }
            try await reached(warmUp)
            lag.withLock { $0 = [] }
            skipped.store(0, ordering: .relaxed)
            failed.store(0, ordering: .relaxed)
            let before = Meter.Reading()
            try await reached(warmUp + count)
            let after = Meter.Reading()
            group.cancelAll()
            let lags = lag.withLock { $0.sorted() }
            let p99 = lags.isEmpty ? 0 : lags[lags.count * 99 / 100]
            after.print(
                since: before, count: count,
                others: [
                    "lagP99Ms": Double(p99) / 1e6, "skipped": Double(skipped.load(ordering: .relaxed)),
                    "failed": Double(failed.load(ordering: .relaxed)),
                ])
        }
    }
}

private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let done: EventLoopPromise<Void>

    init(_ done: EventLoopPromise<Void>) { self.done = done }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { done.succeed() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { done.fail(error) }
    func channelInactive(context: ChannelHandlerContext) { done.fail(ChannelError.eof) }
}
