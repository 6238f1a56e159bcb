import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct AttributionTests {
    private func phases(_ script: Script) throws -> (phases: [Phase], judged: Duration) {
        let found = try #require(script.findings().experiments.first?.repeats.first)
        let track = try #require(found.judgedTrack.flatMap { found.track($0) })
        return (found.phases, track.downtime.upper ?? track.downtime.lower)
    }

    private func sum(_ phases: [Phase]) -> Duration { phases.reduce(.zero) { $0 + $1.duration } }

    @Test func phasesSumToTheJudgedDowntimeExactly() throws {
        let (phases, judged) = try phases(Script())
        #expect(sum(phases) == judged)
        #expect(phases.map(\.name).contains(.oldPodGone))
        #expect(phases.map(\.name).contains(.scheduled))
        #expect(phases.map(\.name).contains(.containerStarted))
        #expect(!phases.map(\.name).contains(.unobserved))
        #expect(phases.allSatisfy { $0.duration >= .zero })
    }

    @Test func whatWasNotSeenIsUnobserved() throws {
        var script = Script()
        script.drop { if case .observation(let seen) = $0 { seen.kind == .podScheduled } else { false } }
        let (phases, judged) = try phases(script)
        #expect(sum(phases) == judged)
        let unobserved = try #require(phases.first { $0.name == .unobserved })
        // From the old pod's end to the container's start.
        #expect(unobserved.duration == .milliseconds(400))
    }

    @Test func aBlindTimeIsUnobserved() throws {
        let script = Script()
        var reducer = FindingsReducer()
        for record in script.records {
            reducer.add(record)
            if case .faultInjected = record.event {
                reducer.add(
                    JournalRecord(at: record.at, event: .blind(BlindInterval(from: .ms(11_200), to: .ms(11_500), reason: "API away"))))
            }
        }
        let found = try #require(reducer.findings().experiments.first?.repeats.first)
        #expect(found.phases.first { $0.name == .unobserved }?.duration == .milliseconds(300))
        #expect(sum(found.phases) == found.judgedTrack.flatMap { found.track($0)?.downtime.upper })
    }

    /// The watches of one outage of the API server each report it.
    @Test func blindTimesThatOverlapAreCountedOnce() throws {
        let intervals = [(11_200, 11_500), (11_300, 11_600), (11_800, 11_900), (11_550, 11_820)].map {
            BlindInterval(from: .ms($0.0), to: .ms($0.1), reason: "API away")
        }
        let joined = intervals.reduce(into: [BlindInterval]()) { $0 = $0.joined(by: $1) }
        #expect(joined == [BlindInterval(from: .ms(11_200), to: .ms(11_900), reason: "API away")])
    }

    @Test func severalOutagesStillSum() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 12_000), .init(from: 12_500, to: 12_800)]
        let (phases, judged) = try phases(script)
        #expect(sum(phases) == judged)
        #expect(phases.last?.name == .otherOutages)
    }

    /// A session that reconnects shows that logins are accepted before the next login probe comes.
    @Test func noQueryBeforeTheLogin() throws {
        var script = Script()
        script.outs = [
            .init(from: 10_000, to: 12_000, tracks: [.connect, .session]), .init(from: 10_000, to: 12_400, tracks: [.login, .write]),
        ]
        let names = try phases(script).phases.map(\.name)
        let accepted = try #require(names.firstIndex(of: .loginAccepted))
        let query = try #require(names.firstIndex(of: .firstQuery))
        #expect(accepted < query)
        #expect(names.count { $0 == .firstQuery } == 1)
    }

    /// The probes' own database is there long before the one that the recovery takes its time for.
    @Test func theRecoveryOfTheLedgersDatabaseIsAPhase() throws {
        var script = Script()
        script.outs = [
            .init(from: 10_000, to: 12_000),
            .init(from: 12_000, to: 17_000, tracks: [.write], failure: Failure(phase: "login", kind: "loginRejected", number: 4060)),
        ]
        let (phases, judged) = try phases(script)
        #expect(sum(phases) == judged)
        let online = try #require(phases.first { $0.name == .databaseOnline }?.duration)
        #expect(online > .milliseconds(4800) && online < .milliseconds(5000), "\(online)")
        #expect(phases.last?.name == .firstWrite)
        #expect(try #require(phases.last).duration < .milliseconds(200))
        #expect(phases.map(\.name).firstIndex(of: .firstQuery) == phases.map(\.name).firstIndex(of: .databaseOnline).map { $0 - 1 })
    }

    @Test func logins() {
        func probe(_ done: Int, _ failure: Failure?) -> ProbeResult {
            ProbeResult(
                track: .login, slot: 0, intended: .ms(done - 5), started: .ms(done - 5), done: .ms(done), failure: failure,
                phases: ["query": 2_000_000])
        }
        var recoveries = LoginRecoveries()
        recoveries.add(probe(10, nil))
        recoveries.add(probe(20, Failure(phase: "tcp", kind: "refused")))
        recoveries.add(probe(30, Failure(phase: "login", kind: "loginRejected", number: 4060)))
        recoveries.add(probe(40, Failure(phase: "query", kind: "timeout")))
        recoveries.add(probe(50, nil))
        #expect(recoveries.recoveries == [.init(loginAccepted: .ms(30), databaseOnline: .ms(40), queryAnswered: .ms(50))])
        // A login that is rejected for itself is not accepted.
        recoveries.add(probe(60, Failure(phase: "login", kind: "loginRejected", number: 18456)))
        recoveries.add(probe(70, nil))
        #expect(recoveries.recoveries.last == .init(loginAccepted: .ms(68), databaseOnline: .ms(68), queryAnswered: .ms(70)))
    }

    /// The server knows the login: the database it asked for is recovering, on its way from a primary to a secondary, or not there yet.
    @Test(arguments: [904, 911, 921, 922, 926, 927, 942, 945, 976, 978, 983, 4060, 4064])
    func anErrorAboutTheDatabaseIsAnAcceptedLogin(number: Int) {
        var recoveries = LoginRecoveries()
        func add(_ done: Int, _ failure: Failure?) {
            recoveries.add(
                ProbeResult(
                    track: .login, slot: 0, intended: .ms(done - 5), started: .ms(done - 5), done: .ms(done), failure: failure,
                    phases: ["query": 2_000_000]))
        }
        add(20, Failure(phase: "tcp", kind: "refused"))
        add(30, Failure(phase: "login", kind: "loginRejected", number: number))
        add(50, nil)
        #expect(recoveries.recoveries == [.init(loginAccepted: .ms(30), databaseOnline: .ms(48), queryAnswered: .ms(50))])
    }

    // MARK: The recovery as it was measured

    private func recovery(_ asked: [(from: Int, to: Int, failure: Failure?)]) throws -> MeasuredRecovery? {
        var script = Script()
        script.more = asked.map { one in
            script.record(
                one.to, .databaseAsked(DatabaseAsked(database: "sales", started: .ms(one.from), done: .ms(one.to), failure: one.failure)))
        }
        return try #require(script.findings().experiments.first?.repeats.first).recovery
    }

    private static let refused = Failure(phase: "tcp", kind: "refused")
    private static let keptOut = Failure(phase: "login", kind: "loginRejected", number: 4060)

    @Test func theRecoveryOfTheDatabaseIsMeasuredWithBounds() throws {
        let found = try #require(
            try recovery([
                (9000, 9010, nil), (10_500, 10_510, Self.refused), (11_000, 11_010, Self.refused), (11_060, 11_070, Self.keptOut),
                (13_000, 13_010, Self.keptOut), (13_060, 13_080, nil),
            ]))
        #expect(
            found
                == MeasuredRecovery(
                    database: "sales", time: DurationBounds(lower: .milliseconds(1930), upper: .milliseconds(2080)), number: 4060))
        #expect(found.sentence.contains("took logins for 1.930 s to 2.080 s before database sales was open"), "\(found.sentence)")
    }

    @Test func oneThatNoLoginMetIsShort() throws {
        let found = try recovery([(11_000, 11_010, Self.refused), (11_060, 11_080, nil)])
        #expect(found?.time == DurationBounds(lower: .zero, upper: .milliseconds(80)))
    }

    @Test func aServerThatEndsInTheMiddleBeginsAgain() throws {
        let found = try recovery([
            (11_100, 11_110, Self.refused), (11_200, 11_210, Self.keptOut), (12_000, 12_010, Self.keptOut), (12_100, 12_110, Self.refused),
            (13_000, 13_010, Self.refused), (13_100, 13_110, Self.keptOut), (13_600, 13_610, Self.keptOut), (13_700, 13_720, nil),
        ])
        #expect(found?.time == DurationBounds(lower: .milliseconds(490), upper: .milliseconds(720)))
    }

    @Test func oneWhoseEndWasNotSeenHasNoUpperBound() throws {
        let found = try recovery([(11_100, 11_110, Self.refused), (11_200, 11_210, Self.keptOut), (12_600, 12_610, Self.keptOut)])
        #expect(found?.time == DurationBounds(lower: .milliseconds(1390), upper: nil))
    }

    /// A new pod's address may be known long after its server began.
    @Test func whatNobodyCouldBeAskedAboutIsNotMeasured() throws {
        let nobody = Failure(phase: "tcp", kind: DatabaseAsked.noAddress)
        let none = (11_100, 11_110, Self.refused as Failure?)
        let gap = (11_200, 11_200, nobody as Failure?)
        let gapEnd = (12_000, 12_000, nobody as Failure?)
        #expect(try recovery([none, gap, gapEnd, (12_060, 12_080, nil)]) == nil)
        // The part that was seen is certain all the same; the recovery may have begun at any time since the last server took no logins.
        let seen = try recovery([none, gap, gapEnd, (12_060, 12_070, Self.keptOut), (12_500, 12_510, Self.keptOut), (12_600, 12_620, nil)])
        #expect(seen?.time == DurationBounds(lower: .milliseconds(430), upper: .milliseconds(1520)))
    }

    @Test func aDatabaseThatWasNotAwayHasNone() throws {
        #expect(try recovery([(9000, 9010, Self.refused), (9100, 9110, nil)]) == nil)
        // A server that takes no logins recovers nothing that could be seen.
        #expect(try recovery([(11_000, 11_010, Self.refused)]) == nil)
    }
}
