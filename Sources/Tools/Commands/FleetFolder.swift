import Fleet
import Foundation
import Journal
import Verdict

/// The folder that the shards of a fleet share: `CLUSTER/1`, `CLUSTER/2`... are the runs of a cluster, of which the last counts;
/// `_failed/CLUSTER` and `_passed/CLUSTER` say how it has ended. No name of a cluster begins so.
struct FleetFolder {
    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// Returns the folders of a cluster's runs, the earliest first.
    func attempts(of cluster: String) throws -> [String] {
        Self.attempts(in: "\(path)/\(cluster)")
    }

    /// Returns the numbered folders with a journal, in order.
    static func attempts(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }.sorted().map { "\(folder)/\($0)" }
            .filter { FileManager.default.fileExists(atPath: RunFolder.journal(in: $0)) }
    }

    /// Returns the findings of a run; `nil` if its journal cannot be read.
    static func findings(of run: String) -> Findings? { try? Findings.judge(journalPath: RunFolder.journal(in: run)) }

    /// A folder that has a run, or ought to have one.
    struct Member {
        var folder: String
        /// The name of the cluster, in a folder of shards.
        var cluster: String?
    }

    /// Returns `folder` itself if it has a journal, the last run of each cluster in a folder of shards, or else every folder in `folder`,
    /// without links such as `latest`. Folders without a journal are included, so that a missing run is not overlooked.
    ///
    /// - Parameter result: a folder to leave out.
    static func members(of folder: String, except result: String) throws -> [Member] {
        guard isFolder(folder) else { throw CommandError.unusable("\(folder) is not a folder") }
        let files = FileManager.default
        func hasJournal(_ path: String) -> Bool { files.fileExists(atPath: RunFolder.journal(in: path)) }
        guard !hasJournal(folder) else { return [Member(folder: folder)] }
        let own = URL(fileURLWithPath: result).standardizedFileURL.path
        let inner = try files.contentsOfDirectory(atPath: folder).sorted().filter { name in
            let path = "\(folder)/\(name)"
            return !name.hasPrefix(".") && !name.hasPrefix("_") && isFolder(path)
                && (try? files.destinationOfSymbolicLink(atPath: path)) == nil && URL(fileURLWithPath: path).standardizedFileURL.path != own
        }
        guard !inner.isEmpty else { return [Member(folder: folder)] }
        let members = inner.map { name in
            attempts(in: "\(folder)/\(name)").last.map { Member(folder: $0, cluster: name) } ?? Member(folder: "\(folder)/\(name)")
        }
        // Beside a shard's folder, a folder without runs belongs to a shard that left nothing.
        guard members.contains(where: { $0.cluster != nil }) else { return members }
        return zip(members, inner).map { Member(folder: $0.folder, cluster: $0.cluster ?? $1) }
    }

    func next(after attempts: [String], of cluster: String) -> String {
        let last = attempts.last.flatMap { Int(($0 as NSString).lastPathComponent) } ?? 0
        return "\(path)/\(cluster)/\(last + 1)"
    }

    /// Records whether the cluster's last run failed.
    func mark(_ cluster: String, _ code: Int32) throws {
        let (mark, other) = code == 0 ? ("_passed", "_failed") : ("_failed", "_passed")
        do {
            try FileManager.default.createDirectory(atPath: "\(path)/\(mark)", withIntermediateDirectories: true)
            try Data("\(code)\n".utf8).write(to: URL(fileURLWithPath: "\(path)/\(mark)/\(cluster)"), options: .atomic)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        unlink("\(path)/\(other)/\(cluster)")
    }

    var failed: Set<String> { marked("_failed") }
    var passed: Set<String> { marked("_passed") }

    private func marked(_ mark: String) -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(mark)")) ?? [])
    }
}

extension Findings {
    /// Is `true` if the run has changes that are not restored.
    var isUnfinished: Bool { state == .killed || restored == false }
}
