import Foundation
import Secrets

/// The standard error of a client program by lines, without the secrets that this process knows.
struct ClientLog {
    private static let longestLine = 4096
    private static let longest = 1 << 20

    private let file: FileHandle?
    private var written: Int
    private var rest: [UInt8] = []
    /// The last line that is not empty, for the message about a program that ended.
    private(set) var lastLine = ""

    /// - Parameter path: the file to append to.
    init(path: String) {
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        file = FileHandle(forWritingAtPath: path)
        written = Int((try? file?.seekToEnd()) ?? 0)
    }

    mutating func take(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                finishLine()
            } else if rest.count < Self.longestLine {
                rest.append(byte)
            }
        }
    }

    /// Writes the last line if it has no line break.
    mutating func finish() {
        if !rest.isEmpty { finishLine() }
    }

    private mutating func finishLine() {
        let line = String(decoding: rest, as: UTF8.self).withoutSecrets
        rest = []
        if line.contains(where: { !$0.isWhitespace }) { lastLine = line }
        guard written < Self.longest else { return }
        var text = line + "\n"
        written += text.utf8.count
        if written >= Self.longest { text += "(what follows is left out)\n" }
        // A log that cannot be written does not affect the measurement.
        try? file?.write(contentsOf: Data(text.utf8))
    }
}
