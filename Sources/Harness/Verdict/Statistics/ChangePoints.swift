import Foundation

/// The nights from which on a series is another one than before, by Pettitt's test, repeated on both sides of each change.
///
/// The test compares the ranks of the values before and after every night; it assumes nothing of their distribution. The change is at the
/// night where they differ most for so many nights on each side. Source: A. N. Pettitt, "A Non-Parametric Approach to the Change-Point Problem", 1979.
public struct ChangePoints: Sendable {
    /// The chance of a false alarm in one test. A series without a change is tested once: one in a thousand such series has an alarm.
    public static let alpha = 0.001

    /// Fewer values on a side of a change show none.
    public static let fewest = 4

    /// A change that was found.
    public struct Change: Sendable, Hashable {
        /// The first value that is of the new kind.
        public var index: Int
        /// Of the test that found it, an upper bound.
        public var p: Double
    }

    /// The changes in order.
    public static func find(_ values: [Sample.Value]) -> [Change] {
        find(values, from: 0)
    }

    private static func find(_ values: [Sample.Value], from offset: Int) -> [Change] {
        guard let change = strongest(values), change.p < alpha else { return [] }
        let before = find(Array(values[..<change.index]), from: offset)
        let after = find(Array(values[change.index...]), from: offset + change.index)
        return before + [Change(index: offset + change.index, p: change.p)] + after
    }

    private static func strongest(_ values: [Sample.Value]) -> Change? {
        let count = values.count
        guard count >= 2 * fewest else { return nil }
        // U grows by the sum of the signs of one value's differences to all: no need to compare all pairs for each night.
        var sum = 0
        var largest = 0
        var best: (index: Int, size: Double)?
        for index in 0..<(count - 1) {
            sum += values.reduce(0) { $0 + ($1 < values[index] ? 1 : values[index] < $1 ? -1 : 0) }
            let first = index + 1
            guard first >= fewest, count - first >= fewest, sum != 0 else { continue }
            largest = max(largest, abs(sum))
            // Noise alone makes U larger in the middle. Against what it is expected to be there, no night is preferred.
            let size = Double(abs(sum)) / Double(first * (count - first)).squareRoot()
            if size > best?.size ?? 0 { best = (first, size) }
        }
        guard let best else { return nil }
        let n = Double(count)
        let size = Double(largest)
        return Change(index: best.index, p: min(1, 2 * exp(-6 * size * size / (n * n * n + n * n))))
    }
}
