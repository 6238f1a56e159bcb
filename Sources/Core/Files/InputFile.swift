public import Foundation

/// Reads files from the command line. They may also be a pipe or `/dev/stdin`, which Foundation refuses to read as a whole, or be endless.
public enum InputFile {
    /// The time in which another program must begin to write to a named pipe.
    static let writerTimeout = Duration.seconds(5)

    /// Opens a file for reading. Opening a pipe to which nobody writes would block without end.
    ///
    /// - Throws: what is wrong, without the path.
    /// - Returns: the open file, and what was read of it already.
    public static func open(_ path: String) throws -> (handle: FileHandle, first: [UInt8]) {
        try open(path, writerTimeout: writerTimeout)
    }

    static func open(_ path: String, writerTimeout: Duration) throws -> (handle: FileHandle, first: [UInt8]) {
        let file = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        let handle = FileHandle(fileDescriptor: file, closeOnDealloc: true)
        var status = stat()
        let kind = fstat(file, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
        guard kind != S_IFDIR else { throw POSIXError(.EISDIR) }
        let first = kind == S_IFIFO ? try waitForWriter(of: file, until: .now + writerTimeout) : []
        _ = fcntl(file, F_SETFL, fcntl(file, F_GETFL) & ~O_NONBLOCK)
        return (handle, first)
    }

    /// - Returns: what was read meanwhile. Only a read tells a pipe without a writer, which is at its end, from one that is empty for now.
    private static func waitForWriter(of pipe: Int32, until deadline: ContinuousClock.Instant) throws -> [UInt8] {
        var byte: UInt8 = 0
        while true {
            switch read(pipe, &byte, 1) {
            case 1: return [byte]
            case 0 where ContinuousClock.now >= deadline: throw UnwrittenPipe()
            case 0:
                var descriptor = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
                // A writer that was there and has gone: the pipe is read to its end.
                if poll(&descriptor, 1, 50) > 0, descriptor.revents & Int16(POLLHUP) != 0 { return [] }
            default:
                // An empty pipe that has a writer. Other errors show themselves at the next read.
                guard errno == EINTR else { return [] }
            }
        }
    }

    public static func bytes(_ path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let (handle, first) = try open(path)
        defer { try? handle.close() }
        return first + (try bytes(handle, limit: limit))
    }

    public static func text(_ path: String, limit: Int = 16 << 20) throws -> String {
        guard let text = String(bytes: try bytes(path, limit: limit), encoding: .utf8) else {
            throw CocoaError(.fileReadInapplicableStringEncoding)
        }
        return text
    }

    /// Returns the bytes up to the end of the stream. Throws if there are more than `limit`.
    public static func bytes(_ handle: FileHandle, limit: Int = 16 << 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let more = try handle.read(upToCount: 1 << 16), !more.isEmpty {
            bytes += more
            guard bytes.count <= limit else { throw CocoaError(.fileReadTooLarge) }
        }
        return bytes
    }
}

/// A named pipe that no program has opened for writing.
public struct UnwrittenPipe: Error, CustomStringConvertible {
    public var description: String { "it is a pipe, and no program writes to it" }
}
