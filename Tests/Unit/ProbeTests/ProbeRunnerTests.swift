import Calibration
import Glibc
import Journal
import NIOCore
import NIOPosix
import TDS
import Testing

@testable import Probe

@Suite(.serialized, .timeLimit(.minutes(2))) struct ProbeRunnerTests {
    /// The failure of a path, as each track tells it: phase and kind.
    struct Expectation: Sendable, CustomTestStringConvertible {
        var path: Forwarder.Path
        var connect: String?
        var login: String
        var testDescription: String { "\(path)" }
    }

    /// A probe that got no socket has asked nobody: a slot that is skipped, and no outage.
    @Test(arguments: [EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL]) func theMachinesOwnLackIsNoOutage(code: CInt) {
        let failure = Failure(connecting: IOError(errnoCode: code, reason: "socket"))
        #expect(failure.kind == "cancelled" && failure.message?.isEmpty == false)
    }

    @Test(arguments: [
        Expectation(path: .refused, connect: "tcp refused", login: "tcp refused"),
        Expectation(path: .blackHole, connect: "tcp timeout", login: "tcp timeout"),
        Expectation(path: .hanging, login: "prelogin timeout"),
        Expectation(path: .frozen, login: "prelogin timeout"),
    ]) func aCutPathIsToldByPhaseAndKindAndSeenToHeal(expected: Expectation) async throws {
        try await ProbeBench.run([.connect, .login, .session], timeout: .milliseconds(500)) { bench in
            try await bench.set(expected.path)
            // The first failure is of the held connection, the later ones of opening another.
            _ = try await bench.failure(.session)
            let login = try await bench.failure(.login)
            #expect("\(login.phase) \(login.kind)" == expected.login)
            if login.kind == "timeout" { #expect(login.unanswered != nil) }
            let session = try await bench.failure(.session)
            #expect("\(session.phase) \(session.kind)" == expected.login)
            if let connect = expected.connect {
                let failure = try await bench.failure(.connect)
                #expect("\(failure.phase) \(failure.kind)" == connect)
                if failure.kind == "timeout" { #expect(failure.unanswered != nil) }
            }
            try await bench.set(.open)
            try await bench.healthy()
        }
    }

    @Test func aResetPathBreaksEveryLoginAndSession() async throws {
        try await ProbeBench.run([.connect, .login, .session]) { bench in
            try await bench.set(.reset)
            for track in [Track.login, .session] {
                let failure = try await bench.failure(track)
                #expect(["reset", "eof"].contains(failure.kind))
            }
            try await bench.set(.open)
            try await bench.healthy()
        }
    }

    @Test func aServerThatStopsAfterPreloginIsToldApart() async throws {
        try await ProbeBench.run([.connect, .login, .session], timeout: .milliseconds(500)) { bench in
            let before = bench.clock.now
            try await bench.follow(.hangAfterPrelogin)
            // One that was under way is the one of the held connection.
            let session = try await bench.failure(.session, after: before)
            #expect("\(session.phase) \(session.kind)" == "query timeout")
            #expect(session.unanswered != nil)
            let login = try await bench.failure(.login)
            #expect("\(login.phase) \(login.kind)" == "login timeout")
            let reopening = try await bench.failure(.session)
            #expect("\(reopening.phase) \(reopening.kind)" == "login timeout")
            // TCP is as well as ever.
            try await bench.success(.connect)
            try await bench.follow(.serve)
            try await bench.healthy()
        }
    }

    @Test func anAbortedHandshakeIsAFailureOfTLS() async throws {
        try await ProbeBench.run([.login], timeout: .seconds(5), isEncrypted: true) { bench in
            try await bench.follow(.abortTLS)
            let login = try await bench.failure(.login)
            #expect(login.phase == "tls")
            try await bench.follow(.serve)
            try await bench.healthy()
        }
    }

    @Test func aRefusedLoginHasTheServersNumberStateSeverityAndWords() async throws {
        try await ProbeBench.run([.login, .session]) { bench in
            let message = TDSServerMessage(number: 18401, state: 2, class: 14, text: "Server is in script upgrade mode.")
            try await bench.follow(.rejectLogins(message))
            for track in [Track.login, .session] {
                _ = try await bench.failure(track)
                let failure = try await bench.failure(track)
                #expect(
                    failure
                        == Failure(
                            phase: "login", kind: "loginRejected", number: 18401, state: 2, severity: 14,
                            message: "Server is in script upgrade mode.", unanswered: failure.unanswered))
            }
            try await bench.follow(.serve)
            try await bench.healthy()
        }
    }

    @Test func anAnswerThatWasMeantForAnotherQuestionIsWrong() async throws {
        try await ProbeBench.run([.session]) { bench in
            try await bench.follow(.answerStale)
            let failure = try await bench.failure(.session)
            #expect("\(failure.phase) \(failure.kind)" == "query wrongAnswer")
            // The connection was given up, so the next success is one of a new connection.
            try await bench.follow(.serve)
            try await bench.healthy()
            let results = bench.results.probes
            let failed = try #require(results.lastIndex { !$0.succeeded })
            #expect(results[failed + 1].phases?["tcp"] != nil)
        }
    }

    @Test func aHeldConnectionIsKeptAndPhasesAreTimed() async throws {
        try await ProbeBench.run([.connect, .login, .session], timeout: .seconds(5), isEncrypted: true) {
            bench in
            try await bench.health.wait { health in health.tracks.values.joined().allSatisfy { $0.successes >= 5 } }
            let opening = bench.results.probes.filter { $0.track == .session }.map(\.slot).min()
            for result in bench.results.probes {
                let phases = Set(result.phases.map(\.keys) ?? [:].keys)
                switch result.track {
                case .connect: #expect(phases == ["tcp"])
                case .login: #expect(phases == ["tcp", "prelogin", "tls", "login", "query"])
                case .session: #expect(phases == (result.slot == opening ? ["tcp", "prelogin", "tls", "login", "query"] : ["query"]))
                case .write, .client: Issue.record("nobody writes, and there is no client")
                }
                #expect(result.intended <= result.started && result.started <= result.done)
            }
        }
    }

    /// The duration of a probe must not move the probes after it: the open loop, over real sockets.
    @Test func probesOfABlackHoleStartWhileEarlierOnesHang() async throws {
        try await ProbeBench.run([.connect], timeout: .milliseconds(500)) { bench in
            try await bench.set(.blackHole)
            _ = try await bench.failure(.connect)
            let hanging = bench.results.probes.filter { !$0.succeeded }.count
            try await bench.health.wait { ($0.tracks[.connect]?.first?.failures ?? 0) >= hanging + 5 }
            let failed = bench.results.probes.filter { !$0.succeeded }
            let overlapping = failed.contains { first in failed.contains { first.started < $0.started && $0.started < first.done } }
            #expect(overlapping)
        }
    }

    @Test func slotsWithoutAPlaceAreSkippedAndRecorded() async throws {
        try await ProbeBench.run([.connect, .session], timeout: .milliseconds(500), inFlightCap: 2) { bench in
            try await bench.set(.blackHole)
            _ = try await bench.failure(.connect)
            _ = try await bench.failure(.session)
            let reasons = Set(bench.results.skipped.map { "\($0.track) \($0.reason)" })
            #expect(reasons.isSuperset(of: ["connect inFlightCap", "session busy"]))
        }
    }

    @Test func everySlotIsAProbeOrASkip() async throws {
        let recorded = ProbeBench.Results()
        try await ProbeBench.run([.connect, .session]) { bench in
            try await bench.set(.refused)
            _ = try await bench.failure(.session)
            try await bench.set(.open)
            try await bench.healthy()
            for result in bench.results.probes { recorded.append(.probe(result)) }
            for skipped in bench.results.skipped { recorded.append(.probeSkipped(skipped)) }
        }
        for track in [Track.connect, .session] {
            let slots = recorded.probes.filter { $0.track == track }.map(\.slot) + recorded.skipped.filter { $0.track == track }.map(\.slot)
            #expect(Set(slots).count == slots.count)
            // A probe that was under way when it ended has no result.
            #expect(try #require(slots.max()) - slots.count <= 10)
        }
    }

    /// A journal that cannot be written ends the probing instead of letting it go on unrecorded.
    @Test func whatRecordingThrowsEndsTheRun() async throws {
        struct DiskFull: Error {}
        try await ProbeBench.run([.connect]) { bench in
            let port = try #require(bench.forwarder.address.port)
            let loops = MultiThreadedEventLoopGroup.singleton
            let runner = ProbeRunner(
                ProbeConfiguration(
                    server: TDSConfiguration(host: "127.0.0.1", port: port, user: "sa", password: ""),
                    tracks: [.connect: .init(interval: .milliseconds(10), timeout: .seconds(1), inFlightCap: 5)], runID: "r"),
                clock: bench.clock, on: loops.next(), logins: loops.next(), health: HealthMonitor(lanes: [.connect: 1]),
                record: { _ in throw DiskFull() })
            await #expect(throws: DiskFull.self) { try await runner.run() }
        }
    }

    /// A probe is begun when its first question is put: resolving the name where there is one, else the connection.
    @Test(arguments: ["127.0.0.1", "localhost"]) func allPhasesLieBetweenAProbesStartAndItsEnd(host: String) async throws {
        let loops = MultiThreadedEventLoopGroup.singleton
        let server = try await ScriptedServer.start(host: "127.0.0.1", identity: nil, on: loops.next())
        let results = ProbeBench.Results()
        let health = HealthMonitor(lanes: [.connect: 1, .login: 1])
        let cadence = ProbeConfiguration.Cadence(interval: .milliseconds(20), timeout: .seconds(5), inFlightCap: 5)
        let runner = ProbeRunner(
            ProbeConfiguration(
                server: TDSConfiguration(
                    host: host, port: try #require(server.address.port), user: "sa", password: "secret", encryption: .off),
                tracks: [.connect: cadence, .login: cadence], runID: "r"),
            clock: RunClock(), on: loops.next(), logins: loops.next(), health: health, record: { results.append($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            try await health.wait { $0.healthySince != nil }
            group.cancelAll()
            try await group.waitForAll()
        }
        try await server.stop()
        let good = results.probes.filter(\.succeeded)
        #expect(Set(good.map(\.track)) == [.connect, .login])
        for probe in good {
            let phases = try #require(probe.phases)
            #expect((phases["dns"] != nil) == (host == "localhost"))
            #expect(probe.started >= probe.intended)
            #expect(.nanoseconds(phases.values.reduce(0, +)) <= probe.done - probe.started)
        }
    }

    /// By its address and by its name: a name has several addresses in general, each with a channel of its own.
    @Test(arguments: ["127.0.0.1", "localhost"]) func aConnectionThatCannotBeMadeSaysWhy(host: String) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let server = try await ScriptedServer.start(host: "127.0.0.1", identity: nil, on: loop)
        let forwarder = try await Forwarder.start(host: "127.0.0.1", to: server.address, on: loop)
        func failure(_ address: SocketAddress) async throws -> TDSError? {
            let configuration = TDSConfiguration(
                host: host, port: try #require(address.port), user: "sa", password: "secret", encryption: .off,
                deadlines: .init(each: .milliseconds(500)))
            return await #expect(throws: TDSError.self) { _ = try await TDSConnection.connect(configuration, on: loop) }
        }
        _ = try await forwarder.set(.blackHole, clock: RunClock())
        let silence = try await failure(forwarder.address)
        #expect(silence?.code == .timeout)
        #expect(silence?.phase == .tcp)
        try await forwarder.stop()
        try await server.stop()
        let refusal = try await failure(server.address)
        #expect(refusal?.code == .refused)
        // A refusal is an answer.
        #expect(refusal?.unansweredFor == nil)
    }

    @Test func aHostThatIsNoNameIsAFailureOfDNS() async throws {
        try await ProbeBench.run([.connect]) { bench in
            let results = ProbeBench.Results()
            let health = HealthMonitor(lanes: [.connect: 1, .login: 1])
            let cadence = ProbeConfiguration.Cadence(interval: .milliseconds(20), timeout: .seconds(20), inFlightCap: 5)
            let loops = MultiThreadedEventLoopGroup.singleton
            let runner = ProbeRunner(
                ProbeConfiguration(
                    server: TDSConfiguration(host: "no-such-host.invalid", user: "sa", password: ""),
                    tracks: [.connect: cadence, .login: cadence], runID: "r"),
                clock: bench.clock, on: loops.next(), logins: loops.next(), health: health, record: { results.append($0) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await runner.run() }
                try await health.wait { health in health.tracks.values.joined().allSatisfy { $0.failures > 0 } }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(results.probes.allSatisfy { $0.failure?.phase == "dns" })
        }
    }
}
