public import Journal

extension RecoveryDebt {
    /// `with 1.0 GiB to redo and 2100000 rows to undo`; `nil` where there is nothing to say.
    public var sentence: String? {
        var parts: [String] = []
        if let logBytes {
            parts.append("\(logBytes.sizeText) to redo")
        } else if sentBytes > 0 {
            parts.append("\(sentBytes.sizeText) sent, whose checkpoint is not known")
        }
        if let openRows { parts.append("\(counted(openRows, "row")) to undo") }
        return parts.isEmpty ? nil : "with \(parts.joined(separator: " and "))"
    }
}

extension Int64 {
    /// `64.0 MiB`, rounded down.
    public var sizeText: String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var unit = 0
        var tenths = self.multipliedReportingOverflow(by: 10).partialValue
        while tenths >= 10_240, unit < units.count - 1 {
            tenths /= 1024
            unit += 1
        }
        return unit == 0 ? "\(self) B" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

/// A database's recovery in the words of the server's log: message 3421.
///
/// `Recovery completed for database aftershock (database ID 5) in 3 second(s) (analysis 15 ms, redo 2005 ms, undo 1022 ms [system undo 0
/// ms, regular undo 990 ms].)`
public struct DatabaseRecovery: Sendable, Hashable {
    public var database: String
    /// Milliseconds, each.
    public var analysis: Int64
    public var redo: Int64
    public var undo: Int64

    public var total: Int64 { analysis.clampedSum(redo).clampedSum(undo) }

    /// `nil` for any other line.
    init?(_ text: String) {
        guard let match = text.firstMatch(of: Self.completed), let analysis = Int64(match.2), let redo = Int64(match.3),
            let undo = Int64(match.4)
        else { return nil }
        database = String(match.1)
        (self.analysis, self.redo, self.undo) = (analysis, redo, undo)
    }

    // A literal is compiled once, and its type is no Sendable.
    private static var completed: Regex<(Substring, Substring, Substring, Substring, Substring)> {
        /Recovery completed for database (.{1,128}) \(database ID \d+\) in .{1,40} \(analysis (\d{1,15}) ms, redo (\d{1,15}) ms, undo (\d{1,15}) ms/
    }

    /// One line for a report.
    public var sentence: String {
        "by the server's log, database \(database) was recovered in \(Duration.milliseconds(total).textRoundedUp): "
            + "analysis \(analysis) ms, redo \(redo) ms, undo \(undo) ms"
    }
}

extension DatabaseRecovery {
    /// Those that the log told of since the fault, each database's last one.
    static func all(in facts: RepeatReducer) -> [DatabaseRecovery] {
        guard let fault = facts.faultBegan else { return [] }
        var found: [DatabaseRecovery] = []
        for seen in facts.serverLog where seen.at >= fault && seen.entry.kind == .recovery {
            guard let recovery = DatabaseRecovery(seen.entry.text) else { continue }
            found.removeAll { $0.database == recovery.database }
            found.append(recovery)
        }
        return found
    }
}
