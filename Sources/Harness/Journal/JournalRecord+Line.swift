import Foundation

extension JournalRecord {
    /// The record as a line of the journal, with the newline.
    func line() throws -> [UInt8] {
        var line = PlainLineWriter(at: at)
        let isPlain =
            switch event {
            case .probe(let result): line.put(result)
            case .write(let result): line.put(result)
            case .probeSkipped(let skip): line.put(skip)
            default: false
            }
        guard !isPlain else { return line.finished() }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return try encoder.encode(self) + [UInt8(ascii: "\n")]
    }

    /// Creates the record from a line.
    ///
    /// - Parameter line: a line without its newline.
    init(line: UnsafeRawBufferPointer, _ decoder: JSONDecoder) throws {
        self = try PlainLineReader.record(of: line) ?? decoder.decode(JournalRecord.self, from: Data(line))
    }
}
