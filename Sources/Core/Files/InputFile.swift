public import Foundation

/// Reads files from the command line. They may also be a pipe or `/dev/stdin`, which Foundation refuses to read as a whole, or be endless.
public enum InputFile {
    public static func bytes(_ path: String, limit: Int = 16 << 20) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        return try bytes(handle, limit: limit)
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
