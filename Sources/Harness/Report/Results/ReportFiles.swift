import Files
import Foundation
import Journal

/// The files of stored runs below a path that a person gave.
public enum ReportFiles {
    /// The `results.json` of a report folder, of every report folder in a folder (but for links such as `latest`), or the file itself.
    public static func results(_ path: String) throws -> [String] {
        let name = ReportWriter.File.results.rawValue
        func results(in folder: String) -> String { (folder as NSString).appendingPathComponent(name) }
        var isFolder: ObjCBool = false
        let files = FileManager.default
        guard files.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return [path] }
        guard !files.fileExists(atPath: results(in: path)) else { return [results(in: path)] }
        let found = try files.contentsOfDirectory(atPath: path).sorted().map { (path as NSString).appendingPathComponent($0) }
            .filter { (try? files.destinationOfSymbolicLink(atPath: $0)) == nil && files.fileExists(atPath: results(in: $0)) }
        guard !found.isEmpty else {
            throw ReportError(path: path, action: "read", reason: "it has no report folder: none with a \(name)")
        }
        return found.map(results)
    }

    /// A larger file is none that runs have written: a thousand nights of fifty experiments are a tenth of it.
    private static let sizeLimit = 256 << 20

    /// The content of a `results.json` or a history file, which may also come through a pipe.
    static func read(_ file: String) throws(ReportError) -> Data {
        do {
            return Data(try InputFile.bytes(file, limit: sizeLimit))
        } catch {
            throw ReportError(path: file, action: "read", reason: words(for: error).replacing("\(file): ", with: ""))
        }
    }
}
