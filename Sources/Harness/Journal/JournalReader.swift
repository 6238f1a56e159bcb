import Files
import Foundation
import JSON

/// Reads a journal back, record by record, in constant memory.
///
/// At the end of a journal that is still being written, `next()` returns `nil` until there are more records.
public struct JournalReader: Sequence, IteratorProtocol {
    private let path: String
    private let handle: FileHandle
    private let decoder = JSONDecoder()
    private var buffer: [UInt8]
    /// The start of the next line in the buffer.
    private var position = 0
    private var line = 0
    private var chain = JournalChain()
    /// The reason why the checksums of the lines are not where a run puts them.
    private var displacement: String?
    /// A run does not write longer lines: the longest one contains the texts of all experiments.
    static let lineLimit = 64 << 20

    /// The error of the first line that is not a record; `nil` if all are.
    ///
    /// A killed harness may leave a last line without a newline. It is not part of the journal, and no error.
    public private(set) var damage: JournalError?
    /// The bytes that were read so far.
    public private(set) var size: Int64 = 0

    public init(path: String) throws(JournalError) {
        do {
            (handle, buffer) = try InputFile.open(path)
        } catch {
            throw JournalError(path: path, line: nil, reason: "cannot be read: \(words(for: error))")
        }
        self.path = path
    }

    /// Returns the next record; `nil` at the end, or after damage.
    public mutating func next() -> JournalRecord? {
        guard damage == nil, let text = nextLine() else { return nil }
        line += 1
        guard chain.takes(buffer[text]) else {
            damage = JournalError(path: path, line: line, reason: "is damaged: this line, or one before it, is not as it was written")
            return nil
        }
        if !isChained, displacement == nil, JournalChain.isDisplaced(in: buffer[text]) {
            displacement = buffer[text].last == UInt8(ascii: "\r") ? "its line ends were changed (CRLF)" : "somebody has changed it"
        }
        do {
            let record = try buffer.withUnsafeBytes { try JournalRecord(line: UnsafeRawBufferPointer(rebasing: $0[text]), decoder) }
            guard let name = record.implausibleNumber else { return record }
            damage = JournalError(path: path, line: line, reason: "has a number that no run writes: '\(name)'")
            return nil
        } catch {
            damage = JournalError(
                path: path, line: line,
                reason: "is not a record of this version's journal: \((error as? DecodingError)?.place ?? words(for: error))")
            return nil
        }
    }

    /// Is `true` if the lines that were read have checksums. Runs of earlier versions wrote none.
    public var isChained: Bool { chain.isUsed != false }

    /// The reason why the journal, as far as it was read, is not as a run has written it; `nil` if there is none.
    public var flaw: JournalError? {
        guard damage == nil, !isChained, let displacement else { return damage }
        return JournalError(
            path: path, line: nil, reason: "is not as a run writes it: its checksums are not at the ends of lines; \(displacement)")
    }

    /// Returns whether a run, or a restore of it, is still writing the journal, so that it must not be judged yet.
    public static func isInUse(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { return false }
        defer { close(file) }
        return flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Returns all records. Throws if a line is damaged.
    public static func records(of path: String) throws(JournalError) -> [JournalRecord] {
        var reader = try JournalReader(path: path)
        var records: [JournalRecord] = []
        while let record = reader.next() { records.append(record) }
        if let damage = reader.damage { throw damage }
        return records
    }

    /// Returns the range of the next line in the buffer, without its newline.
    private mutating func nextLine() -> Range<Int>? {
        var searched = position
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n"), from: searched) {
                defer { position = end + 1 }
                return position..<end
            }
            do {
                guard let more = try handle.read(upToCount: 1 << 20), !more.isEmpty else { return nil }
                buffer.removeSubrange(..<position)
                position = 0
                guard buffer.count <= Self.lineLimit else {
                    damage = JournalError(path: path, line: line + 1, reason: "is longer than any line of a journal")
                    return nil
                }
                searched = buffer.count
                buffer += more
                size += Int64(more.count)
            } catch {
                damage = JournalError(path: path, line: line + 1, reason: "cannot be read: \(words(for: error))")
                return nil
            }
        }
    }
}

extension [UInt8] {
    /// Returns the first index of `byte` from `start` on.
    fileprivate func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress else { return nil }
            return memchr(base + start, CInt(byte), bytes.count - start).map { UnsafeRawPointer($0) - base }
        }
    }
}
