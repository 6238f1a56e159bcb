import Foundation

/// The server's HTTP/1.1 answer to the request for a WebSocket, as its bytes come in. It keeps at most 1 MiB of head and 1 MiB of body.
struct UpgradeAnswer: Sendable {
    enum Event: Equatable, Sendable {
        /// 101: what follows the head is the WebSocket's.
        case upgraded(headers: [String: String], rest: [UInt8])
        /// Any other answer, with its body, or as much of it as is kept.
        case refused(ExecRefusal)
        /// The bytes are not HTTP; the text says why.
        case garbage(String)
    }

    /// The way to recognise the end of the body.
    private enum Framing {
        case length(Int)
        case chunks
        /// By the connection's end.
        case none
    }

    private static let limit = 1 << 20
    /// The bytes that have not been understood yet: of the head, or of a chunked body.
    private var bytes: [UInt8] = []
    /// Where to go on looking for the head's end.
    private var searched = 0
    private var refusal: (value: ExecRefusal, framing: Framing)?
    private var chunks = ChunkDecoder()

    /// The kind of answer, as soon as it is known. After an event no more bytes belong to it.
    mutating func append(_ more: [UInt8]) -> Event? {
        if refusal != nil { return take(more) }
        bytes += more
        while let end = headEnd() {
            guard let (status, headers) = Self.head(bytes[..<end.lowerBound]) else { return .garbage("the answer is not HTTP") }
            let rest = Array(bytes[end.upperBound...])
            bytes = []
            if status == 101 { return .upgraded(headers: headers, rest: rest) }
            if status >= 200 { return begin(status, headers, rest) }
            // Another 1xx answer comes before the one that counts.
            bytes = rest
            searched = 0
        }
        return bytes.count > CurlRequest.headLimit ? .garbage("the head of the answer is larger than 1 MiB") : nil
    }

    private mutating func begin(_ status: Int, _ headers: [String: String], _ rest: [UInt8]) -> Event? {
        let framing: Framing
        if headers["transfer-encoding"]?.lowercased() == "chunked" {
            framing = .chunks
        } else if let text = headers["content-length"] {
            guard let length = Int(text), length >= 0 else { return .garbage("the answer's Content-Length is not a length") }
            framing = .length(length)
        } else {
            framing = .none
        }
        refusal = (ExecRefusal(status: status, headers: headers, body: []), framing)
        return take(rest)
    }

    /// The connection has ended: an answer whose head is there counts, with as much of a body as there is.
    func ended() -> ExecRefusal? { refusal?.value }

    private mutating func take(_ more: [UInt8]) -> Event? {
        // Taken out, so that the body grows in place.
        guard let (begun, framing) = refusal.take() else { return nil }
        var value = consume begun
        var isComplete = false
        switch framing {
        case .chunks:
            do throws(ChunkDecoder.Malformed) {
                isComplete = try chunks.append(more, to: &value.body, limit: Self.limit)
            } catch {
                return .garbage("the answer's chunks are malformed")
            }
        case .length(let length):
            value.body += more.prefix(min(length, Self.limit) - value.body.count)
            isComplete = value.body.count == length
        case .none: value.body += more.prefix(Self.limit - value.body.count)
        }
        guard !isComplete, value.body.count < Self.limit else { return .refused(value) }
        refusal = (value, framing)
        return nil
    }

    private mutating func headEnd() -> Range<Int>? {
        let end = Array("\r\n\r\n".utf8)
        let found = bytes[searched...].firstRange(of: end)
        searched = max(0, bytes.count - 3)
        return found
    }

    private static func head(_ bytes: ArraySlice<UInt8>) -> (status: Int, headers: [String: String])? {
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), (100...599).contains(status) else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return (status, headers)
    }
}

/// The content of a chunked body (RFC 9112, 7.1), as its bytes come in.
struct ChunkDecoder: Sendable {
    struct Malformed: Error {}

    /// Of the line that says a chunk's size.
    private static let lineLimit = 4096
    private var line: [UInt8] = []
    /// The rest of the present chunk; `nil` while its size is being read.
    private var left: UInt64?

    /// Returns whether the body is complete, or the limit of what is kept is reached.
    mutating func append(_ bytes: [UInt8], to body: inout [UInt8], limit: Int) throws(Malformed) -> Bool {
        var rest = bytes[...]
        while let byte = rest.first {
            if let size = left {
                let piece = rest.prefix(Int(min(size, UInt64(rest.count))))
                body += piece.prefix(limit - body.count)
                if body.count >= limit { return true }
                rest = rest.dropFirst(piece.count)
                left = size == UInt64(piece.count) ? nil : size - UInt64(piece.count)
                continue
            }
            rest = rest.dropFirst()
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                guard line.count <= Self.lineLimit else { throw Malformed() }
                continue
            }
            let text = String(decoding: line, as: UTF8.self).prefix { $0 != ";" }.trimmingCharacters(in: .whitespacesAndNewlines)
            line = []
            // The end of the line behind a chunk's content.
            if text.isEmpty { continue }
            guard text.allSatisfy(\.isHexDigit), let size = UInt64(text, radix: 16) else { throw Malformed() }
            if size == 0 { return true }
            left = size
        }
        return false
    }
}

/// An HTTP answer in place of the upgrade; its body is a Status that says why.
struct ExecRefusal: Equatable, Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]
}
