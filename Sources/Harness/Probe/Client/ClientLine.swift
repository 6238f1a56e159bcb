/// A line of the protocol in which a client program reports its operations.
///
/// `start ID`, then once `ok ID` or `failed ID REASON`. Any other line breaks the protocol, and the program's operations are then not
/// judged.
enum ClientLine: Sendable, Hashable {
    case start(String)
    case succeeded(String)
    case failed(String, reason: String)

    /// The longest line, with its line break.
    static let longest = 1024
    private static let longestID = 64

    init(_ bytes: some Collection<UInt8>) throws(ClientProtocolError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw ClientProtocolError("a line is not UTF-8") }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw ClientProtocolError("a line has a control character", text)
        }
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, Self.isID(parts[1]) else { throw ClientProtocolError("a line is not part of the protocol", text) }
        switch (parts[0], parts.count) {
        case ("start", 2): self = .start(parts[1])
        case ("ok", 2): self = .succeeded(parts[1])
        case ("failed", 3) where !parts[2].allSatisfy({ $0 == " " }): self = .failed(parts[1], reason: parts[2])
        default: throw ClientProtocolError("a line is not part of the protocol", text)
        }
    }

    private static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= longestID
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }
}

/// A violation of the protocol by a client program.
struct ClientProtocolError: Error, CustomStringConvertible {
    var description: String

    /// - Parameter line: the line, whose start is shown.
    init(_ rule: String, _ line: String? = nil) {
        let shown = line.map {
            ": '\(String($0.unicodeScalars.prefix(120).map { $0.properties.generalCategory == .control ? "?" : Character($0) }))'"
        }
        description = rule + (shown ?? "")
    }
}
