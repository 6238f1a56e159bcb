public import Foundation
import Journal
public import Verdict

/// Writes the reports of a run into its folder. Each file depends only on the findings, and is replaced in one step.
public struct ReportWriter: Sendable {
    /// The files of a report folder.
    public enum File: String, Sendable, CaseIterable {
        case results = "results.json"
        case junit = "junit.xml"
        case html = "report.html"
        case summary = "summary.md"
        case metrics = "metrics.prom"
        case repeats = "repeats.csv"

        /// The files in the order of writing: small and important ones first.
        fileprivate var rank: Int {
            switch self {
            case .junit: 0
            case .metrics: 1
            case .summary: 2
            case .repeats: 3
            case .results: 4
            case .html: 5
            }
        }
    }

    public let directory: String
    private let junit: JUnitOptions

    public init(directory: String, junit profile: JUnitOptions.Profile = .standard) {
        self.directory = directory
        junit = JUnitOptions(profile: profile, attachments: directory)
    }

    /// Writes all reports, or those of `files`: a run in progress keeps `junit.xml` current, so that a killed run leaves a valid one.
    ///
    /// Every file is tried even if another one fails. On a full disk, outdated reports are removed to make room for new ones, beginning
    /// with `junit.xml`, which a CI system reads as the run's verdict.
    ///
    /// - Throws: the first error.
    public func write(_ findings: Findings, files: [File] = File.allCases) throws {
        let files = files.sorted { $0.rank < $1.rank }
        guard let failure = write(all: files, findings) else { return }
        if findings.state != .running {
            for file in files { unlink("\(directory)/\(file.rawValue)") }
            _ = write(all: files, findings)
        }
        throw failure
    }

    private func write(all files: [File], _ findings: Findings) -> (any Error)? {
        var failure: (any Error)?
        for file in files {
            do {
                try replace(file.rawValue, with: render(file, findings))
            } catch {
                failure = failure ?? error
            }
        }
        return failure
    }

    /// `results.json` as it is written.
    public static func results(_ findings: Findings) throws -> Data { try Results(findings).data() }

    /// Writes `junit.xml` with the testcase `baseline` in every suite, and the comparison itself as `comparison.json`.
    public func write(_ findings: Findings, comparison: ComparisonReport) throws {
        try replace(File.junit.rawValue, with: try JUnitReport(findings, comparison: comparison, options: junit).data())
        try replace("comparison.json", with: Data((try comparison.json + "\n").utf8))
    }

    /// Returns a `junit.xml` of runs, with the testcase `baseline` in every suite.
    public static func junit(_ all: [Findings], comparison: ComparisonReport) throws -> Data {
        try JUnitReport(all, comparison: comparison).data()
    }

    func render(_ file: File, _ findings: Findings) throws -> Data {
        switch file {
        case .results: try Results(findings).data()
        case .junit: try JUnitReport(findings, options: junit).data()
        case .html: try HTMLReport(findings).data()
        case .summary: SummaryReport(findings).data()
        case .metrics: MetricsReport(findings).data()
        case .repeats: RepeatsReport(findings).data()
        }
    }

    /// Writes a temporary file beside the target, and renames it over the target when it is complete.
    func replace(_ name: String, with data: Data) throws {
        let target = URL(fileURLWithPath: directory).appendingPathComponent(name)
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try data.write(to: target, options: .atomic)
        } catch {
            throw ReportError(path: target.path, reason: words(for: error).replacing("\(target.path): ", with: ""))
        }
    }
}

/// A report that cannot be written, or read back.
public struct ReportError: Error, Sendable, Hashable, CustomStringConvertible {
    public var path: String
    public var reason: String
    private var action: String

    init(path: String, action: String = "written", reason: String) {
        self.path = path
        self.action = action
        self.reason = reason
    }

    public var description: String { "\(path) cannot be \(action): \(reason)" }
}
