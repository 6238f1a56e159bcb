/// Amounts as Kubernetes writes them: `512Mi`, `2G`, `1.5Gi`.
///
/// Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
public enum Quantity {
    private static let factors: [(suffix: String, factor: Double)] = [
        ("Ki", 0x1p10), ("Mi", 0x1p20), ("Gi", 0x1p30), ("Ti", 0x1p40), ("Pi", 0x1p50), ("Ei", 0x1p60),
        ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15), ("E", 1e18), ("m", 1e-3),
    ]

    /// The bytes of an amount, rounded up; `nil` for a text that is none.
    public static func bytes(_ text: String) -> Int64? {
        let (number, factor) =
            factors.first { text.hasSuffix($0.suffix) }.map { (text.dropLast($0.suffix.count), $0.factor) } ?? (text[...], 1)
        guard let value = Double(number), value >= 0, value * factor < 0x1p62 else { return nil }
        return Int64((value * factor).rounded(.up))
    }
}
