import Foundation
import Report
import Verdict

extension TerminalReport {
    /// Prints the table on standard output, with colours if that is a terminal that supports them.
    static func print(_ findings: Findings) {
        let isColored = wantsColor(environment: ProcessInfo.processInfo.environment, isTerminal: isatty(STDOUT_FILENO) == 1)
        StandardStream.output.write(
            TerminalReport(findings, isColored: isColored, width: StandardStream.width).text.harmless(keepingColors: isColored))
    }
}
