import Calibration
import Journal
import NIOCore
import NIOPosix
import Synchronization
import TDS
import Testing

@testable import Run

/// The login before a run, through a forwarder whose path opens, or does not, while the login waits.
@Suite(.serialized, .timeLimit(.minutes(1))) struct FirstLoginTests {
    private static let timeout = Duration.seconds(10)

    @Test(arguments: [Forwarder.Path.refused, .reset, .blackHole, .hanging])
    func anAddressThatDoesNotLeadAnywhereYetIsWaitedFor(path: Forwarder.Path) async throws {
        try await withScene { scene in
            try await scene.set(path)
            let clock = SteppingClock { try await scene.set(.open) }
            let success = try await scene.login(clock).run()
            #expect(success.serverVersion.hasPrefix("Scripted Server"))
            #expect(success.lag != nil)
            #expect(clock.sleeps == 1)
        }
    }

    @Test func anAddressThatLeadsThereIsNotWaitedFor() async throws {
        try await withScene { scene in
            let clock = SteppingClock {}
            let success = try await scene.login(clock).run()
            #expect(success.lag == nil)
            #expect(clock.sleeps == 0)
        }
    }

    @Test func anAddressThatNeverLeadsAnywhereIsGivenUp() async throws {
        try await withScene { scene in
            try await scene.set(.refused)
            let clock = SteppingClock {}
            let failure = await #expect(throws: FirstLogin<SteppingClock>.Failure.self) { try await scene.login(clock).run() }
            #expect(failure?.error.code == .refused)
            #expect(failure?.waited == Self.timeout)
        }
    }

    @Test func aRefusedLoginIsNotTriedAgain() async throws {
        try await withScene { scene in
            let rejection = TDSServerMessage(number: 18456, state: 1, class: 14, text: "Login failed for user 'sa'.")
            try await scene.follow(.rejectLogins(rejection))
            let clock = SteppingClock {}
            let failure = await #expect(throws: FirstLogin<SteppingClock>.Failure.self) { try await scene.login(clock).run() }
            #expect(failure?.error.code == .loginRejected)
            #expect(clock.sleeps == 0)
        }
    }

    /// A server behind a path that can be cut.
    private struct Scene {
        let server: ScriptedServer
        let forwarder: Forwarder
        let eventLoop: any EventLoop
        let clock = RunClock()

        func set(_ path: Forwarder.Path) async throws { _ = try await forwarder.set(path, clock: clock) }
        func follow(_ script: ScriptedServer.Script) async throws { _ = try await server.follow(script, clock: clock) }

        func login(_ clock: SteppingClock) throws -> FirstLogin<SteppingClock> {
            let configuration = TDSConfiguration(
                host: try #require(forwarder.address.ipAddress), port: try #require(forwarder.address.port), user: "sa", password: "secret",
                encryption: .off, deadlines: TDSConfiguration.Deadlines(each: .milliseconds(500)))
            return FirstLogin(server: configuration, eventLoop: eventLoop, clock: clock, timeout: timeout)
        }
    }

    private func withScene(_ body: (Scene) async throws -> Void) async throws {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ScriptedServer.start(host: "127.93.0.1", identity: nil, on: eventLoop)
        let forwarder = try await Forwarder.start(host: "127.93.0.2", to: server.address, on: eventLoop)
        try await body(Scene(server: server, forwarder: forwarder, eventLoop: eventLoop))
        try await forwarder.stop()
        try await server.stop()
    }
}

/// A clock whose time passes only in sleeps, at the end of which something happens.
private final class SteppingClock: Clock {
    struct Instant: InstantProtocol {
        var sinceStart = Duration.zero

        func advanced(by duration: Duration) -> Instant { Instant(sinceStart: sinceStart + duration) }
        func duration(to other: Instant) -> Duration { other.sinceStart - sinceStart }
        static func < (one: Instant, other: Instant) -> Bool { one.sinceStart < other.sinceStart }
    }

    private struct State {
        var now = Instant()
        var sleeps = 0
    }

    private let state = Mutex(State())
    private let afterSleep: @Sendable () async throws -> Void

    init(afterSleep: @escaping @Sendable () async throws -> Void) { self.afterSleep = afterSleep }

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .nanoseconds(1) }
    var sleeps: Int { state.withLock { $0.sleeps } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        state.withLock {
            $0.now = max($0.now, deadline)
            $0.sleeps += 1
        }
        try await afterSleep()
    }
}
