import TDS
import Testing

@testable import Ledger

/// The meaning of DBCC CHECKDB's messages: damage, or that it could not look.
@Suite struct DatabaseCheckTests {
    private func check(_ messages: [(number: Int32, class: UInt8)]) -> DatabaseCheck {
        let messages = messages.map { TDSServerMessage(number: $0.number, class: $0.class, text: "text of \($0.number)") }
        return DatabaseCheck(TDSError(.serverError, phase: .query, serverMessages: messages))
    }

    /// The numbers of the messages that are shown as damage.
    private func damage(_ messages: [(number: Int32, class: UInt8)]) -> [Int32] {
        guard case .damaged(let texts) = check(messages) else { return [] }
        return texts.compactMap { text in text.split(separator: " ").first.flatMap { Int32($0) } }
    }

    @Test func tableErrorsAreDamage() {
        #expect(damage([(8928, 16), (8939, 16), (8989, 10)]) == [8928, 8939])
        #expect(damage([(2533, 16)]) == [2533])
        #expect(damage([(824, 24)]) == [824], "it ran into the damage and could not go on")
    }

    @Test func damageThatStoppedItIsDamage() {
        #expect(damage([(8909, 16), (8967, 16)]) == [8909])
    }

    /// On a volume without sparse files, or one that is full, there is no snapshot to check. That says nothing about the data.
    @Test func aSnapshotThatCannotBeMadeIsNoDamage() {
        #expect(check([(1823, 16), (7928, 16), (5030, 16), (7926, 16)]) == .notMade("text of 1823"))
    }

    @Test(arguments: [Int32(2571), 102, 156, 40510, 8967, 5269])
    func aServerThatCannotOrMayNotCheckHasNotChecked(number: Int32) {
        #expect(check([(number, 16)]) == .notMade("text of \(number)"))
    }

    @Test func noAnswerIsNoCheck() {
        guard case .notMade(let reason) = DatabaseCheck(TDSError(.timeout, phase: .query)) else {
            Issue.record("there was no answer")
            return
        }
        #expect(reason.contains("timeout"))
    }
}
