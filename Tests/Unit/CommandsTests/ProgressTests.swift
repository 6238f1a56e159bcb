import Experiment
import Fault
import Foundation
import Journal
import Synchronization
import Testing

@testable import Commands

@Suite struct ProgressTests {
    private static func experiments() throws -> [Experiment] {
        try ExperimentFile.parse(
            InitCommand.example.replacing(
                "repeat: ", with: "pauseBetween: 5s\n  steadyFor: 10s\n  stableFor: 10s\n  giveUpAfter: 2m\n  repeat: "),
            file: "example", faults: FaultCatalog.standard.formats)
    }

    @Test func aRunIsEstimatedBeforeAndWhileItGoesOn() throws {
        var estimate = RunEstimate(try Self.experiments(), repeats: 3)
        #expect(estimate.total == "3 repeats, at least 70 s and at most about 790 s")
        #expect(estimate.rest == nil)
        estimate.start(at: .origin)
        estimate.end(at: .origin + .seconds(40))
        #expect(estimate.rest == "1 of 3 done, about 81 s left")
    }

    /// Its size is nobody's to know, and opening it would wait.
    @Test(.timeLimit(.minutes(1))) func aPipeHasNoProgress() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("progress-\(UUID().uuidString)").path
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        ReadingProgress(path) { Issue.record("\($0)") }.tell(1, at: .now + .seconds(10))
    }

    @Test func aSilentStageHasAHeartbeat() throws {
        let lines = Mutex<[String]>([])
        let progress = ProgressPrinter(quiet: false, estimate: RunEstimate(try Self.experiments(), repeats: 1)) { line in
            lines.withLock { $0.append(line) }
        }
        progress.take(JournalRecord(at: .origin, event: .stageEntered(StageEntered(stage: .settling))))
        let now = ContinuousClock.now
        progress.beat(at: now + .seconds(10))
        #expect(lines.withLock { $0.count } == 1, "the stage's own line is enough for a while")
        progress.beat(at: now + .seconds(31))
        progress.beat(at: now + .seconds(32))
        #expect(lines.withLock { $0.count } == 2)
        #expect(lines.withLock { $0.last?.contains("still settling, for 31 s") == true })
    }

    @Test func aLongJournalIsReadWithProgress() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)")
        try Data(count: 1000).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let lines = Mutex<[String]>([])
        let start = ContinuousClock.now
        let progress = ReadingProgress(file.path, at: start) { line in lines.withLock { $0.append(line) } }
        progress.tell(100, at: start + .seconds(1))
        progress.tell(450, at: start + .seconds(2))
        progress.tell(500, at: start + .seconds(3))
        progress.tell(1000, at: start + .seconds(4))
        #expect(lines.withLock(\.self) == ["read 45 % of \(file.path)", "read 100 % of \(file.path)"])
    }
}
