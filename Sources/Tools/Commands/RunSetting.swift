import Experiment
import Foundation
import Journal
import Kubernetes
import NIOPosix
import Report
import Run
import Synchronization
import Verdict

/// The things that a run needs beside its options: all experiments in one journal, or each in its own, side by side.
struct RunSetting: Sendable {
    let client: KubernetesClient
    let interruption: Interruption
    let runs: BegunRuns
    let quiet: Bool
    let junit: JUnitOptions.Profile

    /// Runs the experiments one after the other.
    func run(_ files: [ExperimentSource], _ options: RunOptions) async throws -> Findings {
        try await run(files, options, interruption)
    }

    /// Runs the experiments side by side as far as they do not exclude each other, and writes the reports of all in the end.
    func runSideBySide(_ files: [ExperimentSource], _ options: RunOptions, atMost most: Int) async throws -> Findings {
        let sources = files.flatMap { file in
            file.experiments.map { ExperimentSource(file: file.file, text: file.text, experiments: [$0]) }
        }
        for name in sources.map(\.experiments[0].name) where ReportWriter.File(rawValue: name) != nil {
            throw CommandError.usage(
                "the experiment '\(name)' has the name of a report file; with --parallel its folder would be in the way")
        }
        let order = SideBySide(sources.flatMap(\.experiments), atMost: most, options: options, client: client)
        let origin = RunPart.Origin(startedAt: Date().formatted(.iso8601))
        let whole = WholeReport(ReportWriter(directory: options.folder, junit: junit), count: sources.count)
        var parts: [(source: ExperimentSource, options: RunOptions)] = []
        for source in sources {
            let part = await RunPart(
                of: source.experiments[0], in: order, run: options.runID, count: sources.count, origin: origin)
            var own = options
            own.folder += "/" + source.experiments[0].name
            own.runID = part.runID
            own.part = part
            try FileManager.default.createDirectory(atPath: own.folder, withIntermediateDirectories: true)
            parts.append((source, own))
        }
        await order.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in parts {
                group.addTask {
                    let own = Interruption(following: interruption)
                    whole.take(try await run([part.source], part.options, own, whole), of: part.options.runID, isLast: true)
                }
            }
            try await group.waitForAll()
        }
        return try whole.finish()
    }

    /// - Parameter whole: gets the findings of a run that is a part of another one; otherwise `nil`.
    private func run(
        _ sources: [ExperimentSource], _ options: RunOptions, _ interruption: Interruption, _ whole: WholeReport? = nil
    ) async throws -> Findings {
        let prefix = whole == nil ? "" : sources[0].experiments[0].name + ": "
        let progress = ProgressPrinter(
            quiet: quiet, estimate: RunEstimate(sources.flatMap(\.experiments), repeats: options.repeatOverride), isAlone: whole == nil
        ) { standardError(prefix + $0.replacing("\n", with: "\n" + prefix), waits: false) }
        let writer = ReportWriter(directory: options.folder, junit: junit)
        let runner = try Runner(
            client: client, options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, interruption: interruption,
            observer: { progress.take($0) },
            report: { findings in
                try writer.write(findings)
                whole?.take(findings, of: options.runID)
            })
        runs.add(runner)
        let heartbeat = Task { await progress.beat() }
        let findings = await runner.run(sources)
        heartbeat.cancel()
        progress.finish()
        if let interruption = findings.interruption, interruption.cause == "error" {
            let left = runner.openUndos
            standardError(
                "\(prefix)error: \(interruption.message)\n"
                    + (left.isEmpty
                        ? "The changes of the run in the cluster are restored."
                        : "This stays changed:\(left.map { "\n  \($0)" }.joined())\nRestore it with: aftershock restore --run-id \(options.runID)")
            )
        }
        return findings
    }
}

/// The runs that have begun, for the last word of a program that is told twice to stop.
final class BegunRuns: Sendable {
    private let runs = Mutex<[Runner]>([])

    func add(_ runner: Runner) { runs.withLock { $0.append(runner) } }

    var openUndos: [String] { runs.withLock { $0 }.flatMap(\.openUndos) }
}

/// The reports of experiments that go on side by side, as one run.
private final class WholeReport: Sendable {
    private struct State {
        var latest: [String: Findings] = [:]
        var isWriting = false
    }

    private let writer: ReportWriter
    private let count: Int
    private let state = Mutex(State())

    init(_ writer: ReportWriter, count: Int) {
        self.writer = writer
        self.count = count
    }

    /// Remembers the findings of an experiment. Writes the small reports when there is something of each, and when one has ended: the page
    /// of all would take its time from the probes of the others.
    ///
    /// - Parameter isLast: the experiment has ended.
    func take(_ findings: Findings, of runID: String, isLast: Bool = false) {
        let known = state.withLock { state -> [Findings]? in
            let isNew = state.latest.updateValue(findings, forKey: runID) == nil
            guard state.latest.count == count, isNew || isLast, !state.isWriting else { return nil }
            state.isWriting = true
            return Array(state.latest.values)
        }
        guard let known, let findings = Findings(joining: known) else { return }
        // An error is thrown in the end, when all of them are written again.
        if findings.state == .running {
            try? writer.write(findings, files: isLast ? [.junit, .metrics, .summary] : ReportWriter.File.allCases)
        }
        state.withLock { $0.isWriting = false }
    }

    func finish() throws -> Findings {
        let known = state.withLock { Array($0.latest.values) }
        guard let findings = Findings(joining: known) else { preconditionFailure("there is no run without an experiment") }
        do {
            try writer.write(findings)
        } catch {
            standardError("error: \(words(for: error))")
            var findings = findings
            findings.exitCode = .worst([findings.exitCode, .internalError])
            return findings
        }
        return findings
    }
}
