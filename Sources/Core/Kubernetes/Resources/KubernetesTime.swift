public import Foundation

/// `metav1.Time` (whole seconds) and `metav1.MicroTime` (microseconds): a server's wall clock.
///
/// It is context for people. Durations are never computed from it: its clock is another machine's and its resolution may be one second.
public struct KubernetesTime: Codable, Sendable, Hashable, Comparable, CustomStringConvertible {
    public let date: Date
    /// As the server wrote it (RFC 3339), so that it round-trips exactly.
    public let description: String

    public init?(_ text: String) {
        guard let date = Self.parse(text) else { return nil }
        self.date = date
        self.description = text
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let time = KubernetesTime(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "'\(text)' is not an RFC 3339 time"))
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// The time so many seconds before this one, which the same server has told; `nil` where there is none.
    func earlier(bySeconds seconds: Int) -> KubernetesTime? {
        seconds == 0 ? self : KubernetesTime((date - TimeInterval(seconds)).formatted(.iso8601))
    }

    public static func < (left: Self, right: Self) -> Bool { left.date < right.date }

    private static func parse(_ text: String) -> Date? {
        let parser = Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains("."))
        // The parser reads any number of fraction digits; it answers an error only for what is no time.
        return try? parser.parse(text)
    }
}
