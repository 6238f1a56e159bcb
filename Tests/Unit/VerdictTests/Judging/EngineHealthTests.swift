import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct EngineHealthTests {
    private func state(_ moment: Snapshot.Moment, _ change: (inout EngineState) -> Void = { _ in }) -> EngineState {
        var state = EngineState(moment: moment)
        state.serverName = "mssql"
        state.version = "16.0.4125.3"
        state.edition = "Developer Edition (64-bit)"
        state.databases = [.init(name: "master", state: "ONLINE"), .init(name: "sales", state: "ONLINE")]
        state.notAsked = ["agent": "the server does not say"]
        change(&state)
        return state
    }

    /// The healthy script with the states of the engine around its fault, and lines of its log after it.
    private func judged(
        _ after: EngineState?, before: EngineState? = nil, log: [ServerLogEntry] = [], followed: Bool = true,
        seen: ClusterObservation? = nil
    ) throws -> (judgement: Judgement, verdict: Verdict) {
        var records = Script().records
        let fault = try #require(records.firstIndex { if case .faultEffect = $0.event { true } else { false } })
        let at = records[fault].at
        var extra: [JournalRecord] = []
        if followed { extra.append(.init(at: at, event: .serverLog(.init(kind: .followed, pod: "p", uid: "u", text: "the log")))) }
        extra += log.map { JournalRecord(at: at, event: .serverLog($0)) }
        if let after { extra.append(.init(at: at, event: .engine(after))) }
        if let seen { extra.append(.init(at: at, event: .observation(seen))) }
        records.insert(contentsOf: extra, at: fault + 1)
        let prepared = try #require(records.firstIndex { if case .ledgerPrepared = $0.event { true } else { false } })
        records.insert(.init(at: records[prepared].at, event: .engine(before ?? state(.before))), at: prepared + 1)
        var reducer = FindingsReducer()
        for record in records { reducer.add(record) }
        let found = try #require(reducer.findings().experiments.first?.repeats.first)
        return (try #require(found.judgement(.engineHealth)), found.verdict)
    }

    @Test func theSameEngineIsWell() throws {
        let (judgement, verdict) = try judged(state(.after))
        #expect(judgement.outcome == .passed)
        #expect(judgement.details.contains("SQL Server Agent: not asked (the server does not say)"))
        #expect(verdict == .pass)
    }

    @Test func aDatabaseThatIsNotOnlineAnyMoreBreaksIt() throws {
        let (judgement, verdict) = try judged(state(.after) { $0.databases?[1].state = "SUSPECT" })
        #expect(judgement.outcome == .failed)
        #expect(judgement.message.contains("database sales is SUSPECT, before ONLINE"))
        #expect(verdict == .fail)
    }

    @Test func aDatabaseThatIsGoneBreaksIt() throws {
        #expect(try judged(state(.after) { $0.databases?.removeLast() }).judgement.message.contains("database sales is gone"))
    }

    @Test func anotherNameOrVersionBreaksIt() throws {
        #expect(try judged(state(.after) { $0.serverName = "other" }).judgement.message == "@@SERVERNAME is other, before mssql")
        #expect(try judged(state(.after) { $0.version = "16.0.1.1" }).judgement.outcome == .failed)
    }

    /// The one that answered afterwards may be the other: its name and its databases are no damage.
    @Test func anotherServerBehindTheAddressIsNoDamage() throws {
        let several = ClusterObservation(kind: .severalBackends, object: "service/mssql", detail: "pod mssql-0, pod other-0")
        let other = state(.after) { state in
            state.serverName = "other"
            state.databases = [.init(name: "master", state: "ONLINE")]
        }
        let (judgement, verdict) = try judged(other, seen: several)
        #expect(judgement.outcome == .skipped)
        #expect(judgement.message.contains("several servers (pod mssql-0, pod other-0)"))
        #expect(verdict == .invalid)
        // The log is that of the pod.
        let line = ServerLogEntry(kind: .error, pod: "p", uid: "u", number: 824, text: "Error: 824")
        #expect(try judged(other, log: [line], seen: several).judgement.outcome == .failed)
    }

    @Test func anAgentThatRanMustRunAgain() throws {
        func judged(_ before: String?, _ after: String?) throws -> Judgement {
            try self.judged(state(.after) { $0.agent = after }, before: state(.before) { $0.agent = before }).judgement
        }
        #expect(try judged("Running", "Stopped").message == "SQL Server Agent is Stopped, before Running")
        #expect(try judged("Stopped", "Stopped").details.contains("SQL Server Agent: Stopped"))
        #expect(try judged("Stopped", "Running").outcome == .passed)
        #expect(try judged("Running", nil).details.contains { $0.hasPrefix("SQL Server Agent: not asked") })
    }

    @Test func aNewCertificateIsNoDamage() throws {
        #expect(try judged(state(.after) { $0.certificate = "ab" }).judgement.outcome == .passed)
    }

    @Test(arguments: [823, 824, 825, 833, 9001, 17053]) func anAlarmingLineBreaksIt(number: Int) throws {
        let line = ServerLogEntry(kind: .error, pod: "p", uid: "u", number: number, text: "Error: \(number)")
        #expect(try judged(state(.after), log: [line]).judgement.message.hasPrefix("error \(number) is in the server's log 1 time"))
    }

    @Test func whatCouldNotBeAskedIsNoPass() throws {
        #expect(try judged(nil).judgement.outcome == .skipped)
        #expect(try judged(state(.after) { $0.databases = nil }).judgement.outcome == .skipped)
    }

    @Test func aLogThatWasNotReadIsSaid() throws {
        let (judgement, _) = try judged(state(.after), followed: false)
        #expect(judgement.message.contains("its log was not read whole"))
    }

    @Test func theServersOwnWordsOfARecoveryAreRead() {
        let text =
            "Recovery completed for database my db (database ID 5) in 3 second(s) (analysis 15 ms, redo 2005 ms, undo 1022 ms [system undo 0 ms, regular undo 990 ms].)"
        #expect(DatabaseRecovery(text)?.sentence.contains("analysis 15 ms, redo 2005 ms, undo 1022 ms") == true)
        #expect(DatabaseRecovery(text)?.database == "my db")
        #expect(DatabaseRecovery("Recovery of database 'x' (5) is 0% complete") == nil)
    }

    @Test func sizesAreRoundedDown() {
        #expect(Int64(1 << 30).sizeText == "1.0 GiB")
        #expect(Int64((64 << 20) + 100_000).sizeText == "64.0 MiB")
        #expect(Int64(1000).sizeText == "1000 B")
    }
}
