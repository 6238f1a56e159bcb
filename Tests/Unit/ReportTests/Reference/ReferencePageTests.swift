import Foundation
import Journal
import JournalScript
import Testing
import Verdict

@testable import Report

@Suite struct ReferencePageTests {
    private func arm(_ name: String, debt: String? = nil, leftOut: String? = nil, _ edits: [(inout Script) -> Void] = [])
        -> ReferencePage.Arm
    {
        let runs = edits.map { edit in
            var script = Script()
            script.name = name
            edit(&script)
            return script.findings()
        }
        return ReferencePage.Arm(name: name, title: "the pod is deleted", debt: debt, runs: runs, leftOut: leftOut)
    }

    /// The cells of the lines that begin with `name`, one a table.
    private func rows(_ name: String, _ page: ReferencePage) -> [[String]] {
        page.text.split(separator: "\n").filter { $0.hasPrefix("| \(name) |") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private func out(_ milliseconds: Int) -> (inout Script) -> Void {
        { $0.outs = [.init(from: 10_000, to: 10_000 + milliseconds)] }
    }

    private func seconds(_ cell: String) throws -> ClosedRange<Double> {
        let numbers = cell.replacing(" s", with: "").split(separator: " to ").compactMap { Double($0) }
        try #require(numbers.count == 2 && numbers[0] <= numbers[1], "\(cell)")
        return numbers[0]...numbers[1]
    }

    @Test func theRunsOfAnArmAreOneSample() throws {
        let page = ReferencePage([arm("pod-delete", [out(1000), out(4000), out(2000)])], repeats: 3)
        let row = try #require(rows("pod-delete", page).first)
        #expect(Array(row.prefix(3)) == ["pod-delete", "none", "3"])
        let (median, worst) = (try seconds(row[3]), try seconds(row[4]))
        #expect(median.contains(2) && !median.contains(1) && !median.contains(4), "\(median)")
        #expect(worst.contains(4) && worst.lowerBound > 3.8, "\(worst)")
        #expect(row[6].hasPrefix("0 of "))
        #expect(row[7] == "3 pass")
    }

    @Test func anEndThatWasNotSeenIsNoNumber() throws {
        let page = ReferencePage(
            [
                arm(
                    "pod-delete",
                    [
                        out(1000),
                        { script in
                            script.outs = [.init(from: 10_000, to: 90_000)]
                            script.gaveUp = true
                        },
                    ])
            ], repeats: 2)
        let row = try #require(rows("pod-delete", page).first)
        #expect(row[4].hasPrefix("≥ "))
        #expect(row[5].hasPrefix("≥ "))
        #expect(row[7] == "1 pass, 1 fail")
        #expect(page.text.contains("- **pod-delete**: the pod is deleted. recovery (FAIL): "))
        // The server of the repeat that was given up stopped for its end.
        #expect(try #require(rows("pod-delete", page).last?.last).hasPrefix("1 clean"))
    }

    /// A fault that is not proven, and a run that was cut off, say nothing of a downtime.
    @Test func noFigureComesFromWhatProvesNothing() throws {
        let unproven: (inout Script) -> Void = { script in
            script.drop { if case .faultEffect = $0 { true } else { false } }
        }
        let row = try #require(rows("pod-delete", ReferencePage([arm("pod-delete", [unproven])], repeats: 1)).first)
        #expect(row == ["pod-delete", "none", "0"] + Array(repeating: "not measured", count: 4) + ["1 could not tell"])
        let mixed = try #require(rows("pod-delete", ReferencePage([arm("pod-delete", [unproven, out(1000)])], repeats: 1)).first)
        #expect(mixed[2] == "1")
        #expect(mixed[7] == "1 pass, 1 could not tell")
    }

    @Test func whatWasLeftOutSaysWhy() throws {
        let page = ReferencePage(
            [arm("node-off", debt: "1GiB", leftOut: "no command"), arm("rollout")], repeats: 10)
        for row in rows("node-off", page) {
            #expect(row[1] == "1GiB asked for, not measured")
            #expect(row.dropFirst(2).allSatisfy { ["0", "not measured", "not carried out"].contains($0) }, "\(row)")
        }
        #expect(rows("node-off", page).count == 1, "nowhere else is there anything to tell")
        #expect(rows("rollout", page).first?.last == "not run")
        #expect(page.text.contains("- **node-off, 1GiB**: the pod is deleted. Not carried out: no command."))
        #expect(page.text.contains("| cluster | not known |"))
    }

    @Test func theDebtIsTheOneThatWasMeasured() throws {
        let page = ReferencePage(
            [
                arm(
                    "pod-delete", debt: "64MiB",
                    [
                        { script in
                            script.load = "dirty: 64MiB"
                            var debt = RecoveryDebt()
                            debt.logBytes = 70 << 20
                            script.more = [script.record(9000, .recoveryDebt(debt))]
                        }
                    ])
            ], repeats: 1)
        #expect(rows("pod-delete", page).map { $0[1] } == ["70.0 MiB", "70.0 MiB"])
    }

    @Test func theStopOfTheServerIsTold() throws {
        let page = ReferencePage([arm("pod-delete", [{ _ in }, { $0.exitCode = 137 }])], repeats: 2)
        let stop = try #require(rows("pod-delete", page).last?.last)
        #expect(stop.hasPrefix("1 clean after at most 0."))
        #expect(stop.contains(", 1 killed after at most 0."))
    }
}
