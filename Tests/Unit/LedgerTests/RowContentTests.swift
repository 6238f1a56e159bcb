import Journal
import Testing

@testable import Ledger

@Suite struct RowContentTests {
    private let content = RowContent(seed: 7, tableSuffix: "a1")

    @Test func contentFollowsFromTheIdentityAlone() {
        let row = RowIdentity(writer: 2, sequence: 40)
        #expect(content.payload(of: row) == RowContent(seed: 7, tableSuffix: "a1").payload(of: row))
        #expect(content.payload(of: row).count == RowContent.payloadSize)
    }

    @Test func everyPartOfTheIdentityMatters() {
        let payloads = [
            content.payload(of: RowIdentity(writer: 2, sequence: 40)),
            content.payload(of: RowIdentity(writer: 40, sequence: 2)),
            content.payload(of: RowIdentity(writer: -1, sequence: 40)),
            content.payload(of: RowIdentity(writer: 2, sequence: 41)),
            RowContent(seed: 8, tableSuffix: "a1").payload(of: RowIdentity(writer: 2, sequence: 40)),
            RowContent(seed: 7, tableSuffix: "a2").payload(of: RowIdentity(writer: 2, sequence: 40)),
        ]
        #expect(Set(payloads).count == payloads.count)
    }

    /// A stored journal is checked by later versions too: the content must never change.
    @Test func contentIsTheSameInEveryVersion() {
        let row = RowIdentity(writer: 2, sequence: 40)
        #expect(content.checksum(of: row) == 7_146_418_267_928_278_649)
    }
}
