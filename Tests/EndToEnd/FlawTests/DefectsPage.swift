import Checkout
import Foundation
import Testing

/// docs/defects.md, which is generated from the matrix of planted flaws.
@Suite struct DefectsPage {
    private static let file = Checkout.root.appendingPathComponent("docs/defects.md")

    private var text: String {
        let rows = Planted.all.map { flaw in
            let planted =
                (flaw.sandbox.map { "`--sandbox-flaw \($0)`" } + flaw.database.map { "`--database-flaw \($0)`" }).joined(separator: ", ")
            let verdicts = flaw.broken.sorted().map { "`\($0)`" }.joined(separator: ", ")
            return "| \(flaw.name) | \(planted.isEmpty ? "in the experiment" : planted) | \(verdicts) | \(flaw.exitCode) |"
        }
        return """
            # Defects that the harness catches

            Each row is a flaw that the tests plant in the embedded cluster or its database, and the testcases of `junit.xml` that must not
            pass then. `FlawMatrixTests` runs every row and fails if another set of testcases is broken or the exit code differs. The same
            file holds runs without a flaw, which must pass.

            | planted flaw | how it is planted | testcases that catch it | exit code |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))

            This page is generated: `AFTERSHOCK_UPDATE_DOCS=1 swift test --filter DefectsPage` writes it again.

            """
    }

    @Test func isTheMatrix() throws {
        if ProcessInfo.processInfo.environment["AFTERSHOCK_UPDATE_DOCS"] == "1" { try Data(text.utf8).write(to: Self.file) }
        #expect(
            try String(contentsOf: Self.file, encoding: .utf8) == text,
            "run: AFTERSHOCK_UPDATE_DOCS=1 swift test --filter DefectsPage")
    }
}
