import Foundation

/// Times in RFC 3339 form, with or without a fraction of a second.
enum ISO8601Text {
    static func date(_ text: String) -> Date? {
        try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains(".")))
    }
}
