import Foundation

/// Finds the nights at which a series changes, by Pettitt's test, repeated on both sides of each change.
///
/// The test compares the ranks of the values before and after every night, and assumes no distribution. The change is at the night where
/// the ranks differ most for the numbers of nights on both sides.
///
/// Source: A. N. Pettitt, "A Non-Parametric Approach to the Change-Point Problem", 1979.
public struct ChangePoints: Sendable {
    /// The chance of a false alarm in one test. A series without a change is tested once, so that one in a thousand has a false alarm.
    public static let alpha = 0.001

    /// The least number of values on each side of a change.
    public static let fewest = 4

    /// A change that was found.
    public struct Change: Sendable, Hashable {
        /// The first value after the change.
        public var index: Int
        /// An upper bound of the test's p-value.
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
        // U grows by the signs of one value's differences to all others, so that not every pair is compared for each night.
        var sum = 0
        var largest = 0
        var best: (index: Int, size: Double)?
        for index in 0..<(count - 1) {
            sum += values.reduce(0) { $0 + ($1 < values[index] ? 1 : values[index] < $1 ? -1 : 0) }
            let first = index + 1
            guard first >= fewest, count - first >= fewest, sum != 0 else { continue }
            largest = max(largest, abs(sum))
            // Noise alone makes U larger in the middle. Relative to its expected size, no night is preferred.
            let size = Double(abs(sum)) / Double(first * (count - first)).squareRoot()
            if size > best?.size ?? 0 { best = (first, size) }
        }
        guard let best else { return nil }
        let n = Double(count)
        let size = Double(largest)
        return Change(index: best.index, p: min(1, 2 * exp(-6 * size * size / (n * n * n + n * n))))
    }
}
