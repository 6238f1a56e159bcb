import Foundation

/// The error log, on standard output in SQL Server's form: `2026-11-21 09:12:13.45 Server      Text.`
enum ServerLog {
    static func write(_ source: String, _ text: String) {
        let now = Clock.now()
        let line = "\(now.dateText) \(now.timeText(scale: 2)) \(source.padding(toLength: 12, withPad: " ", startingAt: 0))\(text)\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}
