import Foundation
import Testing

@testable import Kubernetes

@Suite struct WatchStateMachineTests {
    private let start = ContinuousClock.now
    private var random = SystemRandomNumberGenerator()

    private func pod(_ name: String, uid: String, version: String = "1") throws -> Pod {
        try JSONDecoder().decode(Pod.self, from: Data(json(name, uid: uid, version: version).utf8))
    }

    private func json(_ name: String, uid: String, version: String) -> String {
        #"{"metadata": {"name": "\#(name)", "namespace": "sql", "uid": "\#(uid)", "resourceVersion": "\#(version)"}, "spec": {"containers": []}}"#
    }

    private func line(_ type: String, _ name: String, uid: String, version: String) -> ArraySlice<UInt8> {
        Array(#"{"type": "\#(type)", "object": \#(json(name, uid: uid, version: version))}"#.utf8)[...]
    }

    /// Changes in a form that is easy to compare.
    private func told(_ changes: [WatchEvent<Pod>.Change]) -> [String] {
        changes.map { change in
            switch change {
            case .added(let pod): "added \(pod.metadata.name) \(pod.metadata.uid ?? "")"
            case .modified(let pod): "modified \(pod.metadata.name) \(pod.metadata.uid ?? "")"
            case .deleted(let pod): "deleted \(pod.metadata.name) \(pod.metadata.uid ?? "")"
            case .synced(let version): "synced \(version)"
            case .blind: "blind"
            case .sighted: "sighted"
            }
        }
    }

    @Test func listsThenWatchesFromTheListsVersion() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        #expect(machine.nextStep() == .list)
        let changes = machine.listed(ResourceList(items: [try pod("a", uid: "1")], resourceVersion: "10"), at: start)
        #expect(told(changes) == ["added a 1", "synced 10"])
        #expect(machine.nextStep() == .watch(from: "10"))
    }

    @Test func goesOnFromTheLastVersionSeen() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        _ = machine.listed(ResourceList(items: [], resourceVersion: "10"), at: start)
        #expect(told(try machine.received(line("ADDED", "a", uid: "1", version: "11"), at: start, request: "")) == ["added a 1"])
        #expect(told(try machine.received(line("MODIFIED", "a", uid: "1", version: "12"), at: start, request: "")) == ["modified a 1"])
        let bookmark =
            #"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"40","creationTimestamp":null},"spec":{"containers":null},"status":{}}}"#
        #expect(try machine.received(Array(bookmark.utf8)[...], at: start, request: "").isEmpty)
        machine.ended(at: start, random: &random)
        guard case .wait(let pause) = machine.nextStep() else { throw NoFailure() }
        #expect(pause <= .milliseconds(100))
        #expect(machine.nextStep() == .watch(from: "40"))
    }

    @Test func aRecordedDeletionIsToldInOrder() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var splitter = LineSplitter()
        var events: [String] = []
        _ = machine.listed(ResourceList(items: [], resourceVersion: "1"), at: start)
        for line in try splitter.append(Array(try Fixture.data("watch-pods-delete.jsonl"))) {
            events += told(try machine.received(line, at: start, request: "")).map { String($0.prefix { $0 != " " }) }
        }
        #expect(
            events == ["added", "modified", "added", "modified", "modified", "modified", "modified", "modified", "modified", "deleted"])
        #expect(machine.nextStep() == .watch(from: "523"))
    }

    @Test func aListAfterAnExpiredVersionTellsWhatWasMissed() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        _ = machine.listed(
            ResourceList(
                items: [try pod("same", uid: "1"), try pod("changed", uid: "2"), try pod("sql-0", uid: "3"), try pod("gone", uid: "4")],
                resourceVersion: "10"), at: start)
        let expired =
            #"{"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 (10)","reason":"Expired","code":410}}"#
        var error: KubernetesError?
        do throws(KubernetesError) {
            _ = try machine.received(Array(expired.utf8)[...], at: start, request: "GET /x")
        } catch let thrown {
            error = thrown
        }
        #expect(error?.code == .gone)
        #expect(try machine.failed(try #require(error), at: start, random: &random).isEmpty)
        guard case .wait = machine.nextStep() else { throw NoFailure() }
        #expect(machine.nextStep() == .list)
        // The StatefulSet's pod of the same name is another one now: a deletion and an addition, not a change.
        let changes = machine.listed(
            ResourceList(
                items: [try pod("same", uid: "1"), try pod("changed", uid: "2", version: "15"), try pod("sql-0", uid: "5")],
                resourceVersion: "20"), at: start)
        #expect(told(changes) == ["deleted sql-0 3", "deleted gone 4", "modified changed 2", "added sql-0 5", "synced 20"])
        #expect(machine.nextStep() == .watch(from: "20"))
    }

    @Test func anAPIServerThatGoesAwayIsABlindInterval() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        _ = machine.listed(ResourceList(items: [], resourceVersion: "10"), at: start + .seconds(1))
        _ = try machine.received(line("ADDED", "a", uid: "1", version: "11"), at: start + .seconds(2), request: "")
        let lost = try machine.failed(KubernetesError(.connectionLost, "reset"), at: start + .seconds(5), random: &random)
        guard case .blind(let interval) = try #require(lost.first) else { throw NoFailure() }
        #expect(interval.from == start + .seconds(2))
        #expect(interval.noticed == start + .seconds(5))
        #expect(interval.reason.code == .connectionLost)
        // Told once, however often it fails.
        for second in 6..<20 {
            guard case .wait(let pause) = machine.nextStep() else { throw NoFailure() }
            #expect(pause > .zero && pause <= .seconds(2))
            #expect(machine.nextStep() == .watch(from: "11"))
            #expect(try machine.failed(KubernetesError(.unreachable, "refused"), at: start + .seconds(second), random: &random).isEmpty)
        }
        guard case .sighted(let whole) = try #require(machine.opened(at: start + .seconds(30)).first) else { throw NoFailure() }
        #expect(whole.from == start + .seconds(2))
        #expect(whole.until == start + .seconds(30))
        #expect(machine.opened(at: start + .seconds(31)).isEmpty)
    }

    @Test(arguments: [KubernetesError.Code.unauthorized, .forbidden, .notFound, .serverCertificateUntrusted, .pluginFailed])
    func whatDoesNotPassByItselfEndsTheWatch(_ code: KubernetesError.Code) throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        #expect(throws: KubernetesError.self) { try machine.failed(KubernetesError(code, ""), at: start, random: &random) }
    }

    @Test func aServersRetryAfterIsRespected() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        let status = try JSONDecoder().decode(Status.self, from: Data(#"{"code": 429, "details": {"retryAfterSeconds": 7}}"#.utf8))
        _ = try machine.failed(KubernetesError(.tooManyRequests, "", status: status), at: start, random: &random)
        #expect(machine.nextStep() == .wait(.seconds(7)))
    }

    @Test func garbageInTheStreamIsAnErrorAndAnUnknownEventIsNot() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        #expect(throws: KubernetesError.self) { try machine.received(Array("<html>".utf8)[...], at: start, request: "") }
        #expect(throws: KubernetesError.self) {
            try machine.received(Array(#"{"type": "ADDED", "object": {"spec": 1}}"#.utf8)[...], at: start, request: "")
        }
        #expect(try machine.received(Array(#"{"type": "NEWS", "object": {}}"#.utf8)[...], at: start, request: "").isEmpty)
    }

    // MARK: Streams that tell nothing

    private func state(_ name: String, _ version: Int) throws -> ResourceList<Pod> {
        ResourceList(items: [try pod(name, uid: name, version: "\(version)")], resourceVersion: "\(version)")
    }

    @Test func aQuietStreamIsCheckedByAListAndGoesOn() throws {
        var machine = WatchStateMachine<Pod>(now: start, quiet: .seconds(5))
        _ = machine.listed(try state("a", 10), at: start)
        _ = machine.opened(at: start)
        #expect(!machine.needsCheck(at: start + .seconds(4)))
        #expect(machine.needsCheck(at: start + .seconds(5)))
        #expect(machine.checked(try state("a", 10), at: start + .seconds(5)).isEmpty)
        #expect(!machine.needsCheck(at: start + .seconds(9)))
        try machine.waited(at: start + .seconds(9), request: "")
    }

    @Test func aStreamThatHoldsChangesBackIsBlindSinceItWasLastSeenRight() throws {
        var machine = WatchStateMachine<Pod>(now: start, quiet: .seconds(5))
        var random = random
        _ = machine.listed(try state("a", 10), at: start)
        _ = machine.opened(at: start + .seconds(1))
        #expect(told(machine.checked(try state("b", 12), at: start + .seconds(5))) == ["deleted a a", "added b b"])
        // The stream may only be a moment behind.
        try machine.waited(at: start + .seconds(6), request: "")
        var error: KubernetesError?
        do throws(KubernetesError) { try machine.waited(at: start + .seconds(7), request: "") } catch let thrown { error = thrown }
        let changes = try machine.failed(try #require(error), at: start + .seconds(7), random: &random)
        guard case .blind(let interval) = try #require(changes.first) else { throw NoFailure() }
        #expect(interval.from == start)
        guard case .wait = machine.nextStep() else { throw NoFailure() }
        #expect(machine.nextStep() == .list)
        #expect(told(machine.listed(try state("b", 12), at: start + .seconds(8))) == ["synced 12", "sighted"])
    }

    @Test func aStreamThatWasOnlyBehindRepeatsNothing() throws {
        var machine = WatchStateMachine<Pod>(now: start, quiet: .seconds(5))
        _ = machine.listed(try state("a", 10), at: start)
        _ = machine.opened(at: start)
        _ = machine.checked(try state("b", 12), at: start + .seconds(5))
        #expect(try machine.received(line("DELETED", "a", uid: "a", version: "11"), at: start + .seconds(6), request: "").isEmpty)
        #expect(try machine.received(line("ADDED", "b", uid: "b", version: "12"), at: start + .seconds(6), request: "").isEmpty)
        #expect(
            told(try machine.received(line("MODIFIED", "b", uid: "b", version: "13"), at: start + .seconds(6), request: "")) == [
                "modified b b"
            ])
        try machine.waited(at: start + .seconds(20), request: "")
    }

    @Test func aStreamThatEndsWithoutAWordIsFollowedByAList() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        _ = machine.listed(try state("a", 10), at: start)
        _ = machine.opened(at: start)
        machine.ended(at: start + .seconds(1), random: &random)
        guard case .wait = machine.nextStep() else { throw NoFailure() }
        #expect(machine.nextStep() == .list)
    }

    /// A server cannot fill the memory with objects that it makes up: at the limit a list says what really exists.
    @Test func aFloodIsEndedAndForgotten() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        _ = machine.listed(try state("a", 10), at: start)
        _ = machine.opened(at: start)
        let pad = String(repeating: "x", count: 1 << 20)
        var events = 0
        while !machine.isFlooded {
            events += 1
            let object =
                #"{"metadata": {"name": "n", "uid": "\#(events)", "resourceVersion": "\#(10 + events)"}, "spec": {"containers": [], "x": "\#(pad)"}}"#
            _ = try machine.received(Array(#"{"type": "ADDED", "object": \#(object)}"#.utf8)[...], at: start, request: "")
        }
        #expect(events == 16)
        machine.flooded(random: &random)
        guard case .wait = machine.nextStep() else { throw NoFailure() }
        #expect(machine.nextStep() == .list)
        #expect(machine.listed(try state("a", 30), at: start).count == 16 + 2)
    }

    @Test func aServerCannotAskForAnEndlessPause() throws {
        var machine = WatchStateMachine<Pod>(now: start)
        var random = random
        let status = try JSONDecoder().decode(Status.self, from: Data(#"{"details": {"retryAfterSeconds": 9223372036854775807}}"#.utf8))
        _ = try machine.failed(KubernetesError(.tooManyRequests, "", status: status), at: start, random: &random)
        #expect(machine.nextStep() == .wait(.seconds(30)))
    }
}
