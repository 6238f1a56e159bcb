package import Foundation

/// The store's view of the world: the time of day, identities and chance. Tests give their own.
package struct StoreEnvironment: Sendable {
    /// The time of day, for timestamps in objects.
    package var now: @Sendable () -> Date
    /// A new object UID.
    package var makeUID: @Sendable () -> String
    /// The suffix that completes `metadata.generateName`.
    package var makeNameSuffix: @Sendable () -> String

    package init(
        now: @escaping @Sendable () -> Date, makeUID: @escaping @Sendable () -> String, makeNameSuffix: @escaping @Sendable () -> String
    ) {
        self.now = now
        self.makeUID = makeUID
        self.makeNameSuffix = makeNameSuffix
    }

    package static let live = StoreEnvironment(
        now: { Date() },
        makeUID: { UUID().uuidString.lowercased() },
        makeNameSuffix: { Self.nameSuffix(using: SystemRandomNumberGenerator()) })

    /// Five characters of Kubernetes' safe alphabet (apimachinery util/rand): no vowels, so no words.
    static func nameSuffix(using generator: some RandomNumberGenerator) -> String {
        var generator = generator
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        return String((0..<5).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] })
    }

    /// `metav1.Time`: RFC 3339 in UTC with whole seconds.
    package static func timestamp(_ date: Date) -> String { date.formatted(.iso8601) }

    /// `metav1.MicroTime`: RFC 3339 in UTC with six decimals.
    package static func microTimestamp(_ date: Date) -> String {
        let micros = Int64((date.timeIntervalSince1970 * 1_000_000).rounded(.down))
        let (seconds, fraction) = micros.quotientAndRemainder(dividingBy: 1_000_000)
        let whole = timestamp(Date(timeIntervalSince1970: TimeInterval(seconds))).dropLast()
        let digits = String(fraction)
        return "\(whole).\(String(repeating: "0", count: 6 - digits.count))\(digits)Z"
    }

    /// Reads either form of timestamp.
    package static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601)) ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
