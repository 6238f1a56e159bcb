import Foundation

/// The server's HTTP/1.1 answer to the request for a WebSocket, as its bytes come in.
struct UpgradeAnswer: Sendable {
    enum Event: Equatable, Sendable {
        /// 101: what follows the head is the WebSocket's.
        case upgraded(headers: [String: String], rest: [UInt8])
        /// Any other answer, with its whole body.
        case refused(ExecRefusal)
        /// This is no HTTP.
        case garbage
    }

    private static let limit = 1 << 20
    private var bytes: [UInt8] = []

    /// The kind of answer, as soon as it is known. After an event no more bytes belong to it.
    mutating func append(_ more: some Sequence<UInt8>) -> Event? {
        bytes += more
        guard let (status, headers, body) = head() else { return bytes.count > Self.limit ? .garbage : nil }
        if status == 101 { return .upgraded(headers: headers, rest: Array(body)) }
        guard status > 0 else { return .garbage }
        if headers["transfer-encoding"]?.lowercased() == "chunked" {
            guard let content = Self.unchunk(body) else { return nil }
            return .refused(ExecRefusal(status: status, headers: headers, body: content))
        }
        if let length = headers["content-length"].flatMap({ Int($0) }) {
            guard body.count >= min(length, Self.limit) else { return nil }
            return .refused(ExecRefusal(status: status, headers: headers, body: Array(body.prefix(length))))
        }
        // Its end is the connection's.
        return body.count > Self.limit ? .refused(ExecRefusal(status: status, headers: headers, body: Array(body))) : nil
    }

    /// The connection has ended: an answer whose head is there counts, with as much of a body as there is.
    func ended() -> ExecRefusal? {
        guard let (status, headers, body) = head(), status > 0 else { return nil }
        return ExecRefusal(status: status, headers: headers, body: Self.unchunk(body) ?? Array(body))
    }

    private func head() -> (status: Int, headers: [String: String], body: ArraySlice<UInt8>)? {
        let end = Array("\r\n\r\n".utf8)
        guard let range = bytes.firstRange(of: end) else { return nil }
        let lines = String(decoding: bytes[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { return (0, [:], []) }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return (status, headers, bytes[range.upperBound...])
    }

    /// The content of a chunked body; `nil` while it is not complete.
    private static func unchunk(_ body: ArraySlice<UInt8>) -> [UInt8]? {
        var content: [UInt8] = []
        var rest = body
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            let line = String(decoding: rest[..<end.lowerBound], as: UTF8.self).prefix { $0 != ";" }
            guard let size = Int(line, radix: 16), size >= 0 else { return nil }
            if size == 0 { return content }
            rest = rest[end.upperBound...]
            guard rest.count >= size + 2 else { return nil }
            content += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
        return nil
    }
}

/// An HTTP answer in place of the upgrade; its body is a Status that says why.
struct ExecRefusal: Equatable, Sendable {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]
}
