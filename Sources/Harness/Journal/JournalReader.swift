import Foundation

/// Reads a journal back, record by record, in constant memory.
///
/// At the end of a journal that is still written, `next()` is `nil` until more of it is there.
public struct JournalReader: Sequence, IteratorProtocol {
    private let path: String
    private let handle: FileHandle
    private let decoder = JSONDecoder()
    private var buffer = Data()
    private var line = 0
    /// Why reading ended early: `nil` when every line was a record, else the first one that was not.
    ///
    /// A last line without its newline is what a killed harness leaves; it is not part of the journal and no error.
    public private(set) var damage: JournalError?

    public init(path: String) throws(JournalError) {
        do {
            handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        } catch {
            throw JournalError(path: path, line: nil, reason: "cannot be read: \(error.localizedDescription)")
        }
        self.path = path
    }

    public mutating func next() -> JournalRecord? {
        guard damage == nil, let text = nextLine() else { return nil }
        line += 1
        do {
            return try JournalRecord(line: text, decoder)
        } catch {
            damage = JournalError(path: path, line: line, reason: "is not a record of this version's journal: \(error)")
            return nil
        }
    }

    /// All records. Throws when a line is damaged.
    public static func records(of path: String) throws(JournalError) -> [JournalRecord] {
        var reader = try JournalReader(path: path)
        var records: [JournalRecord] = []
        while let record = reader.next() { records.append(record) }
        if let damage = reader.damage { throw damage }
        return records
    }

    private mutating func nextLine() -> Data? {
        var searched = buffer.startIndex
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let text = buffer[buffer.startIndex..<end]
                buffer = buffer[(end + 1)...]
                return text
            }
            searched = buffer.endIndex
            do {
                guard let more = try handle.read(upToCount: 1 << 20), !more.isEmpty else { return nil }
                // A fresh Data keeps the consumed part from piling up.
                let kept = buffer.count
                buffer = Data(buffer) + more
                searched = buffer.startIndex + kept
            } catch {
                damage = JournalError(path: path, line: line + 1, reason: "cannot be read: \(error.localizedDescription)")
                return nil
            }
        }
    }
}
