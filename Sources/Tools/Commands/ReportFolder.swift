import Foundation

/// Where a run's reports land.
enum ReportFolder {
    /// Makes the folder `given`, or `reports/<timestamp>-<run id>`, with the link `reports/latest` to it.
    static func make(_ given: String?, runID: String) throws -> String {
        if let given {
            try FileManager.default.createDirectory(atPath: given, withIntermediateDirectories: true)
            return given
        }
        let stamp = Date().formatted(
            .verbatim(
                "\(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)T\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z",
                timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
        let name = "\(stamp)-\(runID)"
        try FileManager.default.createDirectory(atPath: "reports/\(name)", withIntermediateDirectories: true)
        // Made aside and renamed, so that the link is there at every moment.
        let aside = "reports/.latest-\(runID)"
        try FileManager.default.createSymbolicLink(atPath: aside, withDestinationPath: name)
        guard rename(aside, "reports/latest") == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: "reports/latest"])
        }
        return "reports/\(name)"
    }
}

func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}
