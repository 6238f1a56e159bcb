/// Cuts a byte stream into lines, however the network cut it into pieces and however long the lines are.
struct LineSplitter: Sendable {
    private var rest: [UInt8] = []
    /// Up to here `rest` is known to hold no newline, so that a long line in small pieces is not searched again and again.
    private var searched = 0
    private let limit: Int

    /// - Parameter limit: bytes of one line, beyond which the stream is no stream of objects.
    init(limit: Int = 4 << 20) {
        self.limit = limit
    }

    struct LineTooLong: Error {}

    /// The lines that this piece completes, without their newlines; empty lines are dropped.
    mutating func append(_ bytes: [UInt8]) throws(LineTooLong) -> [ArraySlice<UInt8>] {
        rest += bytes
        guard !rest.isEmpty else { return [] }
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        while let newline = rest[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            if newline > start { lines.append(rest[start..<newline]) }
            start = newline + 1
            searched = start
        }
        rest.removeFirst(start)
        searched = rest.count
        guard rest.count <= limit else { throw LineTooLong() }
        return lines
    }

    /// The bytes after the last newline. At the end of a stream they are a line that was cut off: never an object.
    var unfinished: ArraySlice<UInt8> { rest[...] }
}
