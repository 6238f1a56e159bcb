import Fleet
import Foundation
import Journal

/// The folder that the shards of a fleet share: `CLUSTER/1`, `CLUSTER/2`... are the runs of a cluster, of which the last counts;
/// `_failed/CLUSTER` says that it has failed. No name of a cluster begins so.
struct FleetFolder {
    private let path: String

    init(_ path: String) {
        self.path = path
    }

    /// The folders of the runs of a cluster, the earliest first.
    func attempts(of cluster: String) throws -> [String] {
        Self.attempts(in: "\(path)/\(cluster)")
    }

    /// The numbered folders with a journal, in order.
    static func attempts(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }.sorted().map { "\(folder)/\($0)" }
            .filter { FileManager.default.fileExists(atPath: "\($0)/journal.ndjson") }
    }

    /// The folders of the runs that `folder` stands for: itself, or the last run of each cluster where shards share it.
    static func runs(in folder: String) -> [String] {
        let files = FileManager.default
        let members = ((try? files.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        let shards = members.compactMap { attempts(in: "\(folder)/\($0)").last }
        return files.fileExists(atPath: "\(folder)/journal.ndjson") || shards.isEmpty ? [folder] : shards
    }

    func next(after attempts: [String], of cluster: String) -> String {
        let last = attempts.last.flatMap { Int(($0 as NSString).lastPathComponent) } ?? 0
        return "\(path)/\(cluster)/\(last + 1)"
    }

    /// Remembers how the cluster's last run has ended.
    func mark(_ cluster: String, _ code: Int32) throws {
        guard code != 0 else {
            unlink("\(path)/_failed/\(cluster)")
            return
        }
        do {
            try FileManager.default.createDirectory(atPath: "\(path)/_failed", withIntermediateDirectories: true)
            try Data("\(code)\n".utf8).write(to: URL(fileURLWithPath: "\(path)/_failed/\(cluster)"), options: .atomic)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
    }

    /// The answer to the question if shards may start, in words.
    struct Line: CustomStringConvertible {
        var isStopped: Bool
        var description: String
    }

    func line(of fleet: Fleet) throws -> Line {
        let marked = Set((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/_failed")) ?? [])
        if marked.count >= fleet.stopAfter {
            return Line(isStopped: true, description: "the line is stopped: \(failed(marked)), and the fleet stops at \(fleet.stopAfter)")
        }
        for wave in fleet.waves {
            let own = marked.intersection(wave.clusters.map(\.name))
            if own.count >= wave.stopAfter {
                return Line(
                    isStopped: true,
                    description: "the line is stopped: \(failed(own)), and the wave '\(wave.name)' stops at \(wave.stopAfter)")
            }
        }
        return Line(isStopped: false, description: "the line goes on: \(failed(marked)), and the fleet stops at \(fleet.stopAfter)")
    }

    private func failed(_ names: Set<String>) -> String {
        guard !names.isEmpty else { return "no cluster has failed" }
        let listed = names.sorted().prefix(3).joined(separator: ", ")
        return "\(names.count) \(names.count == 1 ? "cluster has" : "clusters have") failed (\(listed)\(names.count > 3 ? ", ..." : ""))"
    }
}
