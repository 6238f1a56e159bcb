import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct ViewTests {
    /// The judged address is out from 10 s to 16 s; the cluster IP and the pod's own address come back at the given times.
    private func script(podBack: Int, clusterBack: Int? = nil, noAddressFrom: Int? = nil) -> Script {
        var script = Script()
        script.end = 30_000
        script.outs = [.init(from: 10_000, to: 16_000)]
        script.more = [script.record(1000, .vantage(VantageSeen(view: .pod, address: "10.1.0.5", port: 1433, isReached: true)))]
        script.more += logins(.pod, script, back: podBack, noAddressFrom: noAddressFrom)
        if let clusterBack {
            script.more.append(
                script.record(1000, .vantage(VantageSeen(view: .clusterIP, address: "10.96.0.9", port: 1433, isReached: true))))
            script.more += logins(.clusterIP, script, back: clusterBack)
        } else {
            script.more.append(
                script.record(
                    1000, .vantage(VantageSeen(view: .clusterIP, address: "10.96.0.9", port: 1433, isReached: false, detail: "tcp/timeout"))
                ))
        }
        script.viewSchedules = [.pod, .clusterIP].map {
            ProbesStarted.Schedule(track: .login, interval: 100_000_000, timeout: 1_000_000_000, inFlightCap: 10, view: $0)
        }
        return script
    }

    private func logins(_ view: VantagePoint, _ script: Script, back: Int, noAddressFrom: Int? = nil) -> [JournalRecord] {
        (0..<290).map { slot in
            let at = slot * 100
            if let noAddressFrom, at >= noAddressFrom, at < back {
                return script.record(
                    1000 + at,
                    .probeSkipped(ProbeSkipped(track: .login, view: view, slot: slot, intended: .ms(1000 + at), reason: .noAddress)))
            }
            let isOut = at >= 10_000 && at < back
            let probe = ProbeResult(
                track: .login, view: view, slot: slot, intended: .ms(1000 + at), started: .ms(1000 + at), done: .ms(1000 + at + 5),
                failure: isOut ? Failure(phase: "tcp", kind: "refused") : nil, phases: [:])
            return script.record(1000 + at + 5, .probe(probe))
        }
    }

    private func only(_ script: Script) throws -> RepeatFindings {
        try #require(script.findings().experiments.first?.repeats.first)
    }

    @Test func theDowntimeIsSplitIntoServerKubeProxyAndLoadBalancer() throws {
        let split = try #require(try only(script(podBack: 12_000, clusterBack: 15_000)).split)
        #expect(split.server.lower <= .seconds(2) && split.server.upper.map { $0 >= .seconds(2) && $0 < .seconds(2.2) } == true)
        let network = split.network
        #expect(
            network.lower > .seconds(3.5) && network.lower <= .seconds(4)
                && network.upper.map { $0 >= .seconds(4) && $0 < .seconds(4.5) } == true)
        let proxy = try #require(split.kubeProxy)
        #expect(proxy.lower > .seconds(2.5) && proxy.lower <= .seconds(3) && proxy.upper.map { $0 >= .seconds(3) } == true)
        let balancer = try #require(split.loadBalancer)
        #expect(balancer.lower <= .seconds(1) && balancer.upper.map { $0 >= .seconds(1) } == true)
    }

    @Test func aPlaceThatCannotBeReachedIsSaidAndNoDoubt() throws {
        let found = try only(script(podBack: 12_000))
        #expect(found.doubts.isEmpty, "\(found.doubts)")
        #expect(found.split?.kubeProxy == nil)
        #expect(found.remarks.contains { $0.contains("not asked from here: cluster IP 10.96.0.9 (tcp/timeout)") }, "\(found.remarks)")
        #expect(found.remarks.contains { $0.contains("of it is the network's") })
    }

    /// Nobody could be asked: that is no service, and no failure that was seen either.
    @Test func aTimeWithoutAnAddressMakesTheServersPartWiderAndIsNoOutage() throws {
        let found = try only(script(podBack: 13_000, noAddressFrom: 10_000))
        let split = try #require(found.split)
        #expect(split.server.lower == .zero)
        #expect(split.server.upper.map { $0 >= .seconds(3) && $0 < .seconds(3.3) } == true)
        #expect(split.network.upper.map { $0 >= .seconds(6) } == true)
    }

    @Test func otherPlacesAreNeverJudged() throws {
        let found = try only(script(podBack: 28_000, clusterBack: 28_000))
        #expect(found.judgement(.downtime)?.outcome == Script().findings().experiments.first.map { _ in .failed })
        var quick = script(podBack: 28_000)
        quick.outs = [.init(from: 10_000, to: 12_000)]
        #expect(try only(quick).judgement(.downtime)?.outcome == .passed)
    }

    // MARK: Ready and not served

    private func ready(_ changes: [(Int, ClusterObservation.Kind, String)]) -> Script {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 14_000)]
        script.edit = { record in
            if case .observation(let seen) = record.event, seen.object.hasPrefix("pod/") { return nil }
            return record
        }
        script.more = changes.map { at, kind, uid in
            // An object that the edit above leaves alone.
            script.record(1000 + at, .observation(ClusterObservation(kind: kind, object: "pod/mssql", uid: uid)))
        }
        let more = script.more
        script.edit = { record in
            if case .observation(let seen) = record.event, seen.object.hasPrefix("pod/"), !more.contains(record) { return nil }
            return record
        }
        return script
    }

    @Test func theTimeInWhichReadyWasSaidAndNobodyServedHasBounds() throws {
        let late = try #require(try only(ready([(13_000, .podNotReady, "pod1"), (15_000, .podReady, "pod2")])).readyNotServed)
        #expect(late.lower > .seconds(2.7) && late.lower <= .seconds(3))
        #expect(late.upper.map { $0 >= .seconds(3) && $0 < .seconds(3.2) } == true)
        let early = try #require(try only(ready([(9_900, .podTerminating, "pod1"), (12_000, .podReady, "pod2")])).readyNotServed)
        #expect(early.lower > .seconds(1.7) && early.lower <= .seconds(2))
        #expect(early.upper.map { $0 >= .seconds(2) && $0 < .seconds(2.2) } == true)
    }

    @Test func aHonestKubernetesHasNone() throws {
        let found = try only(ready([(9_900, .podNotReady, "pod1"), (14_200, .podReady, "pod1")]))
        #expect(found.readyNotServed?.lower == .zero)
        #expect(!found.remarks.contains { $0.contains("said Ready") })
    }

    @Test func whatTheWatchDidNotSeeIsNotCertain() throws {
        var script = ready([(13_000, .podNotReady, "pod1"), (15_000, .podReady, "pod2")])
        script.more.append(
            script.record(14_500, .blind(BlindInterval(from: .ms(12_000), to: .ms(14_500), reason: "away"))))
        let found = try #require(try only(script).readyNotServed)
        #expect(found.lower < .seconds(1) && found.upper.map { $0 >= .seconds(3) } == true)
    }

    // MARK: Idle connections

    @Test func idleConnectionsAreCountedByWhatCameOfThem() throws {
        var script = Script()
        func asked(_ number: Int, _ from: Int, _ at: Int, _ kind: String?) -> JournalRecord {
            script.record(
                at + 1000,
                .idleAsked(
                    IdleAsked(
                        connection: number, silentSince: .ms(from), started: .ms(at), done: .ms(at + 1000),
                        failure: kind.map { Failure(phase: "query", kind: $0) })))
        }
        script.more = [
            script.record(1000, .idleStarted(IdleStarted(silentFor: 4_000_000_000, connections: 3))), asked(0, 2000, 6000, nil),
            asked(0, 8000, 14_000, "reset"), asked(1, 8000, 14_000, "timeout"), asked(2, 8000, 14_000, "eof"),
            asked(0, 15_000, 19_000, nil),
        ]
        let idle = try #require(try only(script).idle)
        #expect(idle.count(.reset, overFault: true) == 2 && idle.count(.noAnswer, overFault: true) == 1)
        #expect(idle.count(.answered, overFault: false) == 2 && idle.count(.answered, overFault: true) == 0)
        #expect(
            idle.sentences.first
                == "of 3 connections that were silent for 4 s over the fault: 0 answered, 2 reset, 1 no answer at all, 0 failed otherwise")
    }
}
