import Foundation

/// The two-sided Mann-Whitney U test: whether two samples come from the same distribution, whatever that is.
///
/// Exact for small samples without ties, as benchstat does; with ties, or many values, by the normal approximation with corrections for
/// both. Source: H. B. Mann and D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
/// Other", 1947.
enum MannWhitney {
    /// Above this size the normal approximation is as good, and the exact count costs more.
    private static let exactLimit = 50

    /// Returns the chance of samples that differ as much as these or more without a real difference; `nil` if one is empty.
    static func p<Value: Comparable>(_ first: [Value], _ second: [Value]) -> Double? {
        guard !first.isEmpty, !second.isEmpty else { return nil }
        var twiceU = 0
        for left in first {
            for right in second { twiceU += left > right ? 2 : left == right ? 1 : 0 }
        }
        let ties = tieGroups(first + second)
        if ties.allSatisfy({ $0 == 1 }), first.count <= exactLimit, second.count <= exactLimit {
            return exact(u: twiceU / 2, first.count, second.count)
        }
        return approximate(u: Double(twiceU) / 2, Double(first.count), Double(second.count), ties: ties)
    }

    private static func exact(u: Int, _ first: Int, _ second: Int) -> Double {
        let counts = arrangements(first, second)
        let all = counts.reduce(0, +)
        let tail = min(u, first * second - u)
        return min(1, 2 * counts[...tail].reduce(0, +) / all)
    }

    /// Returns the number of orders of `first` and `second` distinct values for each U.
    private static func arrangements(_ first: Int, _ second: Int) -> [Double] {
        // The generating function is a Gaussian binomial coefficient: a product of (1 - x^(second + i)) / (1 - x^i).
        var counts = [Double](repeating: 0, count: first * second + 1)
        counts[0] = 1
        for factor in 1...first {
            let up = second + factor
            if up < counts.count {
                for degree in stride(from: counts.count - 1, through: up, by: -1) { counts[degree] -= counts[degree - up] }
            }
            if factor < counts.count {
                for degree in factor..<counts.count { counts[degree] += counts[degree - factor] }
            }
        }
        return counts
    }

    private static func approximate(u: Double, _ first: Double, _ second: Double, ties: [Int]) -> Double {
        let all = first + second
        let tied = ties.reduce(0.0) { sum, count in
            let size = Double(count)
            return sum + size * (size * size - 1)
        }
        let variance = first * second / 12 * (all + 1 - tied / (all * (all - 1)))
        guard variance > 0 else { return 1 }
        let distance = max(0, abs(u - first * second / 2) - 0.5)
        return min(1, erfc(distance / (2 * variance).squareRoot()))
    }

    private static func tieGroups<Value: Comparable>(_ values: [Value]) -> [Int] {
        var groups: [Int] = []
        var last: Value?
        for value in values.sorted() {
            if value == last {
                groups[groups.count - 1] += 1
            } else {
                groups.append(1)
                last = value
            }
        }
        return groups
    }
}
