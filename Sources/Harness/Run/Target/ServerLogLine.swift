import Journal

/// The notable lines of SQL Server's error log, as its container writes it: `2026-11-21 09:12:13.45 spid9s      Text.`
struct ServerLogReader {
    struct Found: Hashable {
        var kind: ServerLogEntry.Kind
        var number: Int?
        var text: String
    }

    /// `Error: 823, Severity: 24, State: 2.`, whose message is the next line.
    private var header: (number: Int, text: String)?

    /// The most bytes of a text that are kept.
    private static let limit = 500
    /// Damage, storage that fails, a full volume.
    private static let numbers: Set<Int> = [823, 824, 825, 833, 9001, 9002, 1105, 17053]

    private static let recovery = [
        "Recovery of database", "Recovery completed for database", "transactions rolled forward in database",
        "transactions rolled back in database",
    ]
    private static let shutdown = [
        "SQL Server is terminating", "SQL Server shutdown has been", "SQL Trace was stopped due to server shutdown",
    ]

    /// - Parameter line: a line without the kubelet's time stamp.
    mutating func take(_ line: String) -> Found? {
        let text = Self.message(of: line)
        defer { header = Self.header(text) }
        if let header { return Found(kind: .error, number: header.number, text: Self.bounded("\(header.text) \(text)")) }
        if Self.recovery.contains(where: text.contains) { return Found(kind: .recovery, text: Self.bounded(text)) }
        if Self.shutdown.contains(where: text.contains) { return Found(kind: .shutdown, text: Self.bounded(text)) }
        // These messages have no header.
        if text.contains("occurrence(s) of I/O requests taking longer than") {
            return Found(kind: .error, number: 833, text: Self.bounded(text))
        }
        if text.contains("Operating system error"), text.hasPrefix("SQLServerLogMgr") {
            return Found(kind: .error, number: 17053, text: Self.bounded(text))
        }
        return nil
    }

    private static func header(_ text: String) -> (Int, String)? {
        guard text.hasPrefix("Error: "), let number = Int(text.dropFirst(7).prefix { $0.isNumber }), numbers.contains(number),
            text.contains("Severity:")
        else { return nil }
        return (number, text)
    }

    /// The message without the date, the time and the source.
    private static func message(of line: String) -> String {
        let parts = line.split(separator: " ", maxSplits: 3)
        guard parts.count == 4, parts[0].count == 10, parts[0].first?.isNumber == true, parts[1].contains(":") else { return line }
        return String(parts[3].drop { $0 == " " })
    }

    /// Returns foreign text as a short line without characters that control a terminal.
    private static func bounded(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(limit).map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        var line = String(String.UnicodeScalarView(shown))
        while line.last == " " { line.removeLast() }
        return line
    }
}
