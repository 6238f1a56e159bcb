import Foundation
import Journal
import Report
import Verdict

/// In a step of GitHub Actions: the run's summary on the job's page, and an annotation for each experiment that did not pass.
///
/// Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
struct GitHubActions {
    private let findings: Findings
    private let folder: String
    private let summary: String

    /// A step shows ten errors; the last one here says how many more there are.
    private static let most = 10

    /// `nil` anywhere else.
    init?(findings: Findings, folder: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard environment["GITHUB_ACTIONS"] == "true", let summary = environment["GITHUB_STEP_SUMMARY"], !summary.isEmpty else {
            return nil
        }
        self.findings = findings
        self.folder = folder
        self.summary = summary
    }

    func write() {
        // The only lines that are to command the CI system: foreign text in them cannot.
        for line in annotations { StandardStream.errors.write(line + "\n") }
        do {
            let text = try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(ReportWriter.File.summary.rawValue))
            if !FileManager.default.fileExists(atPath: summary) { try Data().write(to: URL(fileURLWithPath: summary)) }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: summary))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: text)
        } catch {
            standardError("warning: the step summary could not be written: \(words(for: error))")
        }
    }

    private var annotations: [String] {
        let lines = findings.experiments.filter { $0.verdict != .pass }.map { found in
            let open = found.judgements.first { $0.outcome == .failed } ?? found.judgements.first { $0.outcome == .undecided }
            let message = open.map { "\($0.check.rawValue): \($0.message)" } ?? found.verdict.rawValue
            return "::error title=\(Self.property(found.name)): \(found.verdict.rawValue)::\(Self.data(message))"
        }
        guard lines.count > Self.most else { return lines }
        return lines.prefix(Self.most - 1) + ["::error title=aftershock::\(lines.count - Self.most + 1) more experiments did not pass"]
    }

    private static func data(_ text: String) -> String {
        text.harmless.replacingOccurrences(of: "%", with: "%25").replacingOccurrences(of: "\r", with: "%0D").replacingOccurrences(
            of: "\n", with: "%0A")
    }

    private static func property(_ text: String) -> String {
        data(text).replacingOccurrences(of: ":", with: "%3A").replacingOccurrences(of: ",", with: "%2C")
    }
}
