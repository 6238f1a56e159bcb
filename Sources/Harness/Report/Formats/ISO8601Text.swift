import Foundation

/// RFC 3339 times, with a fraction of a second or without.
enum ISO8601Text {
    static func date(_ text: String) -> Date? {
        try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains(".")))
    }
}
