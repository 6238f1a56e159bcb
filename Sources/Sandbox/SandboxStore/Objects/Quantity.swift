package import JSON

/// An amount of a resource (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/), exact to a thousandth;
/// what is finer is rounded up, as Kubernetes does, and what is larger than 2^63-1 is cut to it.
package struct Quantity: Sendable, Hashable, Comparable {
    /// Wide enough for sums of any number of quantities.
    package let thousandths: Int128

    package static let zero = Quantity(thousandths: 0)
    package static let form = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    private static let most = Int128(Int64.max) * 1000

    package init(thousandths: Int128) { self.thousandths = thousandths }

    package init(count: Int) { thousandths = Int128(count) * 1000 }

    /// `nil` for what is no quantity.
    package init?(_ value: JSONValue?) {
        switch value {
        case .integer(let number): thousandths = Int128(number) * 1000
        case .double(let number):
            guard number.isFinite else { return nil }
            thousandths = Self.cut(number * 1000)
        case .string(let text):
            guard let parsed = Self.parse(text) else { return nil }
            thousandths = parsed
        case nil, .null, .bool, .array, .object: return nil
        }
    }

    private static func cut(_ number: Double) -> Int128 {
        let limit = Double(Int64.max) * 1000
        return abs(number) >= limit ? (number < 0 ? -most : most) : Int128(number.rounded(.up))
    }

    private static let suffixes: [String: (base: Int128, power: Int)] = [
        "n": (10, -9), "u": (10, -6), "m": (10, -3), "": (10, 0), "k": (10, 3), "M": (10, 6), "G": (10, 9), "T": (10, 12), "P": (10, 15),
        "E": (10, 18), "Ki": (1024, 1), "Mi": (1024, 2), "Gi": (1024, 3), "Ti": (1024, 4), "Pi": (1024, 5), "Ei": (1024, 6),
    ]

    private static func parse(_ text: String) -> Int128? {
        guard text.utf8.count <= 64 else { return nil }
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard digits.contains(where: \.isNumber), parts.count <= 2 else { return nil }
        let suffix = rest.dropFirst(digits.count)
        let scale: (base: Int128, power: Int)
        if let known = suffixes[String(suffix)] {
            scale = known
        } else if suffix.first == "e" || suffix.first == "E", let power = Int(suffix.dropFirst()), abs(power) <= 64 {
            scale = (10, power)
        } else {
            return nil
        }
        let fraction = parts.count == 2 ? parts[1].prefix(18) : ""
        let whole = parts[0].drop { $0 == "0" }
        guard whole.count <= 19 else { return isNegative ? -most : most }
        let number = Int128(whole + fraction) ?? 0
        let decimal = scale.base == 10 ? scale.power : 0
        let binary: Int128 = scale.base == 1024 ? (0..<scale.power).reduce(1) { result, _ in result * 1024 } : 1
        let (product, overflow) = number.multipliedReportingOverflow(by: binary)
        let result = overflow ? most : shifted(product, by: decimal + 3 - fraction.count)
        return isNegative ? -min(result, most) : min(result, most)
    }

    /// Multiplied by a power of ten; rounded up.
    private static func shifted(_ number: Int128, by power: Int) -> Int128 {
        var result = number
        for _ in 0..<max(power, 0) where result < most { result *= 10 }
        for _ in 0..<max(-power, 0) where result > 0 { result = result / 10 + (result % 10 > 0 ? 1 : 0) }
        return result
    }

    package static func < (left: Self, right: Self) -> Bool { left.thousandths < right.thousandths }
    package static func + (left: Self, right: Self) -> Self { Quantity(thousandths: left.thousandths + right.thousandths) }
    package static func - (left: Self, right: Self) -> Self { Quantity(thousandths: left.thousandths - right.thousandths) }
    package static func += (left: inout Self, right: Self) { left = left + right }

    /// The canonical form: whole numbers in the largest binary suffix that leaves no rest, otherwise the largest decimal one.
    package func text(isBinary: Bool) -> String {
        guard thousandths % 1000 == 0 else { return "\(thousandths)m" }
        var number = thousandths / 1000
        guard number != 0 else { return "0" }
        let (step, names): (Int128, [String]) =
            isBinary ? (1024, ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]) : (1000, ["", "k", "M", "G", "T", "P", "E"])
        var index = 0
        while index < names.count - 1, number % step == 0 {
            number /= step
            index += 1
        }
        return "\(number)\(names[index])"
    }
}
