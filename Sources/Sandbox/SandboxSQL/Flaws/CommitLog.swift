import Foundation
import Synchronization

/// The flaw lose-last-ms: how long each write-ahead log was at which moment, so that after a SIGKILL it can be cut back to where it was N ms before.
///
/// Two files beside the databases: `.commits` with a line per commit, and `.alive` with the time of the last beat, which tells when the process died.
final class CommitLog: Sendable {
    private let folder: String
    private let commits: Mutex<FileHandle>

    private static func commitsPath(_ folder: String) -> String { folder + "/.commits" }
    private static func alivePath(_ folder: String) -> String { folder + "/.alive" }

    init(folder: String) throws {
        self.folder = folder
        guard FileManager.default.createFile(atPath: CommitLog.commitsPath(folder), contents: nil),
            let handle = FileHandle(forWritingAtPath: CommitLog.commitsPath(folder))
        else { throw CocoaError(.fileWriteUnknown) }
        commits = Mutex(handle)
        let path = CommitLog.alivePath(folder)
        let thread = Thread {
            while true {
                // A beat that cannot be written leaves the older one, and the flaw cuts more; it is a flaw. Whole or not at all: a kill in
                // the middle of it must not leave a file without a time in it.
                try? Data("\(CommitLog.now())\n".utf8).write(to: URL(filePath: path), options: .atomic)
                Thread.sleep(forTimeInterval: 0.005)
            }
        }
        thread.start()
    }

    /// Called with the writer's lock held, so that the log ends with this commit.
    func record(_ file: DatabaseFile) {
        let length = CommitLog.length(ofFile: file.path + "-wal")
        let line = Data("\(CommitLog.now()) \(length) \(file.path)\n".utf8)
        commits.withLock { $0.write(line) }
    }

    /// Cuts the logs of an earlier process. Must run before SQLite opens the files.
    static func cut(in folder: String, lastMilliseconds: Int) throws {
        guard let alive = try? String(contentsOfFile: alivePath(folder), encoding: .utf8),
            let death = Int64(alive.trimmed.filter(\.isNumber)),
            let text = try? String(contentsOfFile: commitsPath(folder), encoding: .utf8)
        else { return }
        var kept: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count == 3, let time = Int64(parts[0]), let length = UInt64(parts[1]) else { continue }
            let path = String(parts[2])
            if time <= death - Int64(lastMilliseconds) { kept[path] = length } else if kept[path] == nil { kept[path] = 0 }
        }
        for (path, length) in kept {
            guard let handle = FileHandle(forWritingAtPath: path + "-wal") else { continue }
            if CommitLog.length(ofFile: path + "-wal") > length { try handle.truncate(atOffset: length) }
            try handle.close()
            // The index of the log speaks of frames that are gone; SQLite makes a new one.
            if FileManager.default.fileExists(atPath: path + "-shm") { try FileManager.default.removeItem(atPath: path + "-shm") }
        }
    }

    private static func now() -> Int64 {
        let now = Clock.now()
        return Int64(now.days) * 86_400_000 + now.ticks / 10_000
    }

    private static func length(ofFile path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.uint64Value ?? 0
    }
}
