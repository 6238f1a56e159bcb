import Foundation

/// Finds the journals of a run in its report folder.
public enum RunFolder {
    public static let journal = "journal.ndjson"

    /// Returns the place of a run's journal in its report folder.
    public static func journal(in folder: String) -> String { path(journal, in: folder) }

    /// Returns the run's journal, or those of its experiments if they ran side by side: each is in a folder with the experiment's name.
    ///
    /// - Returns: an empty array if the folder has no run, or several.
    public static func journals(in folder: String) -> [String] {
        let own = journal(in: folder)
        guard !FileManager.default.fileExists(atPath: own) else { return [own] }
        let members = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let parts = members.compactMap { member -> (path: String, number: Int)? in
            let path = journal(in: path(member, in: folder))
            guard var reader = try? JournalReader(path: path) else { return nil }
            // A run that was killed at its start has no record, and has changed nothing.
            guard let first = reader.next() else { return (path, .max) }
            guard case .runStarted(let run) = first.event, let part = run.part else { return nil }
            return (path, part.number)
        }
        guard parts.contains(where: { $0.number < .max }) else { return [] }
        return parts.sorted { ($0.number, $0.path) < ($1.number, $1.path) }.map(\.path)
    }

    private static func path(_ name: String, in folder: String) -> String { (folder as NSString).appendingPathComponent(name) }
}
