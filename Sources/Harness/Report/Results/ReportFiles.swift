import Files
public import Foundation
import Journal

/// The files of stored runs below a path from the command line.
public enum ReportFiles {
    /// Returns the `results.json` of a report folder, of every report folder in a folder (without links such as `latest`), or the file.
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

    /// No run writes a larger file: a thousand nights of fifty experiments are a tenth of it.
    private static let sizeLimit = 256 << 20

    /// Returns the content of a `results.json` or a history file, which may be a pipe.
    static func read(_ file: String) throws(ReportError) -> Data {
        do {
            return Data(try InputFile.bytes(file, limit: sizeLimit))
        } catch {
            throw ReportError(path: file, action: "read", reason: words(for: error).replacing("\(file): ", with: ""))
        }
    }

    /// Appends to the file at `path`, and creates it if there is none.
    public static func append(_ data: Data, to path: String) throws(ReportError) {
        let file = try forAppending(path)
        do {
            try file.write(contentsOf: data)
            try file.close()
        } catch {
            throw ReportError(path: path, reason: words(for: error))
        }
    }

    /// Proves that ``append(_:to:)`` will find a file that it can open, or create. Nothing is left there.
    static func proveAppending(to path: String) throws(ReportError) {
        let isThere = FileManager.default.fileExists(atPath: path)
        _ = try forAppending(path)
        if !isThere { unlink(path) }
    }

    private static func forAppending(_ path: String) throws(ReportError) -> FileHandle {
        // Without O_NONBLOCK, this would wait forever for a reader of a pipe.
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard file >= 0 else { throw ReportError(path: path, reason: String(cString: strerror(errno))) }
        // Writing may then wait for a slow reader.
        _ = fcntl(file, F_SETFL, O_APPEND)
        return FileHandle(fileDescriptor: file, closeOnDealloc: true)
    }
}
