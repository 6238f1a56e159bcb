import Foundation
import Journal

/// A part of a report that is collected on the disk until the report is complete, and is removed with the object.
final class Spill {
    private static let pieceSize = 1 << 16

    private let path: String
    private let handle: FileHandle
    /// The buffered end: a system call for each line would take most of the time.
    private var buffer = Data()
    private(set) var isEmpty = true

    init(in directory: String) throws {
        path = "\(directory)/.merge-\(UUID().uuidString)"
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forUpdatingAtPath: path) else {
            throw ReportError(path: path, reason: String(cString: strerror(errno)))
        }
        // Without a name, the file cannot be left behind.
        unlink(path)
        self.handle = handle
    }

    func append(_ data: Data) throws {
        isEmpty = isEmpty && data.isEmpty
        buffer += data
        if buffer.count >= Self.pieceSize { try flush() }
    }

    func append(_ text: String) throws { try append(Data(text.utf8)) }

    /// Appends all of another spill.
    func append(_ other: Spill) throws {
        try other.pieces { try append($0) }
    }

    /// Replaces the file of this name with the content, in one step.
    func become(_ name: String, in directory: String) throws {
        let (target, aside) = ("\(directory)/\(name)", "\(directory)/.\(name).new")
        guard FileManager.default.createFile(atPath: aside, contents: nil), let file = FileHandle(forWritingAtPath: aside) else {
            throw ReportError(path: target, reason: String(cString: strerror(errno)))
        }
        do {
            try pieces { try file.write(contentsOf: $0) }
            try file.close()
        } catch {
            unlink(aside)
            throw ReportError(path: target, reason: words(for: error))
        }
        guard rename(aside, target) == 0 else { throw ReportError(path: target, reason: String(cString: strerror(errno))) }
    }

    private func pieces(_ take: (Data) throws -> Void) throws {
        try flush()
        try handle.seek(toOffset: 0)
        while let piece = try handle.read(upToCount: Self.pieceSize), !piece.isEmpty { try take(piece) }
    }

    private func flush() throws {
        do {
            try handle.write(contentsOf: buffer)
        } catch {
            throw ReportError(path: path, reason: words(for: error))
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
