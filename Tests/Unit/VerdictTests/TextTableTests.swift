import Testing

@testable import Verdict

@Suite struct TextTableTests {
    private var table: TextTable {
        var table = TextTable([("repeat", .right), ("verdict", .left), ("connect", .right), ("node", .left)])
        table.add(["1", "pass", "0.249..0.352 s", "worker-1"])
        return table
    }

    @Test func isOneTableWhereItFits() {
        #expect(table.lines() == table.lines(width: 41))
        #expect(table.lines().map(\.count).max() == 41)
    }

    @Test(arguments: 22...40) func goesOnBelowWhereItDoesNotFit(_ width: Int) {
        let lines = table.lines(width: width)
        #expect(lines.allSatisfy { $0.count <= width })
        let cells = Set(lines.flatMap { $0.split(separator: " ") })
        #expect(cells.isSuperset(of: ["1", "pass", "0.249..0.352", "worker-1"]), "nothing is cut: \(lines)")
        #expect(lines.count { $0.hasPrefix("repeat") } == lines.count { $0.isEmpty } + 1, "each part has the first column")
    }
}
