import DatabaseFlaws
import Foundation
import Glibc

/// The data directory, held by one server at a time, and whether the last one left it in order.
final class DataFolder {
    let path: String
    /// Is `true` when the last server here ended without a shutdown.
    let wasUnclean: Bool
    private let lock: Int32
    private let isTemporary: Bool

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private var markerPath: String { path + "/.running" }

    init(_ options: ServerOptions) throws {
        isTemporary = options.flaws.has(.outsideVolume)
        if isTemporary {
            path = NSTemporaryDirectory() + "sandbox-sql-\(getpid())"
        } else {
            path = options.dataFolder
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw Failure(description: "cannot make the data directory \(path): \(error)")
        }
        if options.flaws.has(.unlinkLock) { unlink(path + "/.lock") }
        lock = open(path + "/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw Failure(description: "cannot write to the data directory \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw Failure(description: "Error 17113: the data directory \(path) is in use by another server.")
        }
        wasUnclean = FileManager.default.fileExists(atPath: path + "/.running")
        guard FileManager.default.createFile(atPath: path + "/.running", contents: nil) else {
            throw Failure(description: "cannot write to the data directory \(path)")
        }
    }

    deinit { close(lock) }

    /// After an orderly shutdown.
    func markClean() throws {
        if isTemporary {
            try FileManager.default.removeItem(atPath: path)
        } else {
            try FileManager.default.removeItem(atPath: markerPath)
        }
    }
}
