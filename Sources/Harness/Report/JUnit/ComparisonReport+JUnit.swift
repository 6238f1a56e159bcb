import Foundation
import Journal
import Verdict

extension ComparisonReport {
    /// Returns the testcase `baseline` of an experiment: a failure if a track became slower by more than is allowed, skipped if nothing
    /// could be compared.
    func testcase(of experiment: String) -> JUnitReport.Case {
        let own = comparisons.filter { $0.experiment == experiment }
        let compared = own.filter { $0.outcome != .tooFew }
        let regressions = own.filter(\.isRegression)
        let lost = losses.filter { $0.experiment == experiment && $0.isRegression }.map(Self.line)
        let reasons = mismatches.filter { $0.experiment == experiment }.map(\.description)
        func testcase(_ outcome: Judgement.Outcome, _ type: String, _ message: String) -> JUnitReport.Case {
            JUnitReport.Case(name: "baseline", outcome: outcome, type: type, message: message, details: own.map(line) + reasons)
        }
        if !lost.isEmpty { return testcase(.failed, "verdict.baseline", lost.joined(separator: "; ")) }
        if !regressions.isEmpty {
            let allowed = String(format: "allowed %+.0f%%", maxRegression * 100)
            return testcase(
                .failed, "verdict.baseline", "slower than the baseline: \(regressions.map(line).joined(separator: "; ")); \(allowed)")
        }
        guard !compared.isEmpty else {
            let few = own.map { "\($0.baseline.count)+\($0.current.count)" }.first.map {
                ["there are \($0) repeats, \(counted(own[0].missing, "more is", "more are")) needed"]
            }
            let why = few ?? (reasons.isEmpty ? ["no repeat was judged"] : reasons)
            return testcase(.skipped, "skipped", "not compared: \(why.joined(separator: "; "))")
        }
        let names = compared.map(\.track).joined(separator: ", ")
        return testcase(.passed, "", "no slower than the baseline by more than is allowed: \(names)")
    }

    private func line(_ comparison: Comparison) -> String {
        var text = "\(comparison.track) median \(comparison.current.median.text), before \(comparison.baseline.median.text)"
        if let change = comparison.change { text += String(format: ", %+.1f%%", change * 100) }
        if let p = comparison.p { text += String(format: ", p=%.3f", p) }
        return text + ", n=\(comparison.baseline.count)+\(comparison.current.count)"
    }
}
