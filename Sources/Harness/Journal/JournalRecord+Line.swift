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
        if let plain = PlainLineReader.record(of: line) {
            self = plain
        } else {
            // Foundation would also read UTF-16, into which a shell may have turned the file.
            guard line.first == UInt8(ascii: "{"), !line.contains(0) else { throw CocoaError(.fileReadInapplicableStringEncoding) }
            self = try decoder.decode(JournalRecord.self, from: Data(line))
        }
    }
}
