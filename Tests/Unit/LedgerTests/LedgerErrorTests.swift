import Testing

@testable import Ledger

/// Error numbers are the server's own choice: what they can mean, and when the catalogue has to be asked.
@Suite struct LedgerErrorTests {
    private func error(_ numbers: Int32...) -> LedgerError {
        var error = LedgerError(action: "read", reason: "r")
        error.numbers = numbers
        return error
    }

    @Test func aMissingDatabaseIsSaidInTwoWays() {
        #expect(error(4060, 18456).meansNoDatabase)
        #expect(error(911).meansNoDatabase)
        #expect(!error(18456).meansNoDatabase)
    }

    @Test func anyErrorOfTheServersOwnIsLookedInto() {
        #expect(error(208).mayMeanGone)
        #expect(error(50_000).mayMeanGone)
    }

    @Test func aDenialOrASilenceProvesNothing() {
        #expect(!error(229).mayMeanGone)
        #expect(!error(208, 916).mayMeanGone)
        #expect(!error().mayMeanGone)
    }
}
