import Foundation
import Journal

/// The folder of a run's reports.
struct ReportFolder {
    let path: String
    /// Is `true` if its name is the default, so that the link `reports/latest` must lead to it.
    private let isLinked: Bool

    /// Creates the folder `given`, or `reports/<timestamp>-<run id>`, and checks that it is writable.
    init(_ given: String?, runID: String) throws(CommandError) {
        path = given ?? "reports/\(Self.stamp)-\(runID)"
        isLinked = given == nil
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            let trial = URL(fileURLWithPath: path).appendingPathComponent(".aftershock-\(runID)")
            defer { unlink(trial.path) }
            try Data("aftershock".utf8).write(to: trial)
        } catch {
            let reason = words(for: error)
            let text = "the reports cannot be written: \(reason.contains(path) ? reason : "\(path): \(reason)")"
            let unusable = CommandError.unusable(text)
            guard unusable.code == AftershockExit.usage else { throw unusable }
            throw .usage("\(text); give a folder that can be written to with --reports")
        }
        guard RunFolder.journals(in: path).isEmpty else {
            throw .usage("\(path) holds a run already; give another --reports folder")
        }
    }

    /// Changes `reports/latest` to this folder. The new link is renamed over the old one, so that the link always exists.
    func link() {
        guard isLinked else { return }
        let name = (path as NSString).lastPathComponent
        let aside = "reports/.latest-\(name)"
        if symlink(name, aside) != 0 || rename(aside, "reports/latest") != 0 {
            standardError("warning: reports/latest cannot be made: \(String(cString: strerror(errno)))")
            unlink(aside)
        }
    }

    /// Removes the folder of a run that wrote nothing.
    func removeIfEmpty() { rmdir(path) }

    private static var stamp: String {
        Date().formatted(
            .verbatim(
                "\(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)T\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z",
                timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
    }
}

func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}
