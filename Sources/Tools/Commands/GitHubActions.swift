import Experiment
import Foundation
import Journal
import Report
import Verdict

/// Writes the run's summary to the page of a GitHub Actions job, and an annotation at the line of each experiment that did not pass or is
/// not valid.
///
/// Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
struct GitHubActions {
    /// The place of an annotation in the repository.
    private struct Place {
        var file: String?
        var position: SourcePosition?
    }

    private let environment: [String: String]

    /// A step shows ten errors; if there are more, the last one has the number of the others.
    private static let most = 10

    /// Creates `nil` outside of GitHub Actions.
    init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard environment["GITHUB_ACTIONS"] == "true" else { return nil }
        self.environment = environment
    }

    // MARK: Annotations

    /// - Parameter folder: the folder of the run's reports.
    func write(_ findings: Findings, folder: String) {
        let lines = findings.experiments.filter { $0.verdict != .pass }.map { found in
            let open = found.judgements.first { $0.outcome == .failed } ?? found.judgements.first { $0.outcome == .undecided }
            let message = open.map { "\($0.check.rawValue): \($0.message)" } ?? found.verdict.rawValue
            return annotation(
                "\(found.name): \(found.verdict.rawValue)", message, at: place(of: found.name, open?.check, in: findings.run?.sources ?? [])
            )
        }
        annotate(lines, rest: "more experiments did not pass")
        appendSummary(of: folder)
    }

    func write(_ problems: [FileProblem]) {
        annotate(
            problems.map { problem in
                let text = problem.message + (problem.hint.map { "; \($0)" } ?? "")
                return annotation("not valid", text, at: Place(file: problem.file, position: problem.position))
            }, rest: "more problems of the files")
    }

    private func annotate(_ lines: [String], rest: String) {
        let shown = lines.count > Self.most ? lines.prefix(Self.most - 1) : lines[...]
        let more = lines.count - shown.count
        // Only these lines may be commands of the CI system; foreign text in them is escaped.
        for line in shown + (more > 0 ? ["::error title=aftershock::\(more) \(rest)"] : []) { StandardStream.errors.write(line + "\n") }
    }

    private func annotation(_ title: String, _ message: String, at place: Place) -> String {
        var properties: [String] = []
        if let file = place.file.flatMap(inRepository) {
            properties.append("file=\(Self.property(file))")
            if let position = place.position { properties += ["line=\(position.line)", "col=\(position.column)"] }
        }
        return "::error \((properties + ["title=\(Self.property(title))"]).joined(separator: ","))::\(Self.data(message))"
    }

    /// Returns the place of the experiment's key that a check is about.
    private func place(of experiment: String, _ check: Check?, in sources: [RunStarted.Source]) -> Place {
        let path: [String] =
            switch check {
            case .downtime: ["spec", "expect", "downtime"]
            case .recovery: ["spec", "expect", "recoveredWithin"]
            case .dataPersistence: ["spec", "expect", "lostWrites"]
            case .placement: ["spec", "expect", "node"]
            case .faultTookEffect, .restore: ["spec", "fault"]
            case .preflight, .serviceAddress, .storage, .replicas: ["spec", "target"]
            default: []
            }
        for source in sources {
            if let position = ExperimentFile.position(of: path, experiment: experiment, in: source.text) {
                return Place(file: source.file, position: position)
            }
        }
        return Place()
    }

    /// Returns the path relative to the repository's root; `nil` if the file is not in the repository.
    private func inRepository(_ file: String) -> String? {
        guard file != "-" else { return nil }
        let path = URL(fileURLWithPath: file).standardizedFileURL.path
        let root = URL(fileURLWithPath: environment["GITHUB_WORKSPACE"] ?? FileManager.default.currentDirectoryPath).standardizedFileURL
            .path
        return path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : nil
    }

    private static func data(_ text: String) -> String {
        text.harmless.replacingOccurrences(of: "%", with: "%25").replacingOccurrences(of: "\r", with: "%0D").replacingOccurrences(
            of: "\n", with: "%0A")
    }

    private static func property(_ text: String) -> String {
        data(text).replacingOccurrences(of: ":", with: "%3A").replacingOccurrences(of: ",", with: "%2C")
    }

    // MARK: Summary

    private func appendSummary(of folder: String) {
        guard let summary = environment["GITHUB_STEP_SUMMARY"], !summary.isEmpty else { return }
        do {
            let text = try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(ReportWriter.File.summary.rawValue))
            try ReportFiles.append(text, to: summary)
        } catch {
            standardError("warning: the step summary could not be written: \((error as? ReportError)?.reason ?? words(for: error))")
        }
    }
}
