import Foundation

/// A picture that is stretched to the available width, which stands for a quantity. Its text is outside of it, so that it is not
/// stretched, and its colours come from the page.
struct SVG {
    let from: Double
    let span: Double
    let height: Double
    /// Its content in words; empty if a table beside it has the same.
    let title: String
    private var content = ""

    init(from: Double, to: Double, height: Double, title: String = "") {
        self.from = from
        span = max(0.001, to - from)
        self.height = height
        self.title = title
    }

    /// - Parameter note: the tooltip.
    mutating func rect(_ x: Double, to end: Double, y: Double = 0, height: Double? = nil, _ style: String, note: String? = nil) {
        let attributes =
            "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(max(0, end - x)))\" "
            + "height=\"\(Self.number(height ?? self.height))\" class=\"\(style)\""
        content += note.map { "<rect \(attributes)><title>\($0.escapedForHTML)</title></rect>" } ?? "<rect \(attributes)/>"
    }

    /// Many rectangles in one style.
    mutating func path(_ cells: [(from: Double, to: Double)], y: Double = 0, height: Double? = nil, _ style: String, opacity: Double? = nil)
    {
        guard !cells.isEmpty else { return }
        let high = Self.number(height ?? self.height)
        let data = cells.map { "M\(Self.number($0.from)) \(Self.number(y))H\(Self.number($0.to))v\(high)H\(Self.number($0.from))z" }
            .joined()
        content += "<path class=\"\(style)\"\(opacity.map { " fill-opacity=\"\(Self.number($0))\"" } ?? "") d=\"\(data)\"/>"
    }

    mutating func ticks(_ places: [Double], _ style: String) {
        guard !places.isEmpty else { return }
        content += "<path class=\"\(style)\" d=\"\(places.map { "M\(Self.number($0)) 0v\(Self.number(height))" }.joined())\"/>"
    }

    /// - Parameter style: a class of the whole picture.
    func text(_ style: String = "") -> String {
        let name = title.isEmpty ? "aria-hidden=\"true\"" : "role=\"img\" aria-label=\"\(title.escapedForHTML)\""
        return "<svg class=\"\(style)\" viewBox=\"\(Self.number(from)) 0 \(Self.number(span)) \(Self.number(height))\" "
            + "preserveAspectRatio=\"none\" \(name)>\(content)</svg>"
    }

    /// A number with at most three decimals. A page has many thousands of them, and Foundation would create a formatter for each.
    static func number(_ value: Double) -> String {
        // A number that is not finite becomes 0.
        let thousandths = Int(exactly: (value * 1000).rounded()) ?? 0
        let (whole, rest) = abs(thousandths).quotientAndRemainder(dividingBy: 1000)
        var text = "\(thousandths < 0 ? "-" : "")\(whole)"
        guard rest > 0 else { return text }
        var digits = String(rest + 1000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        text += "." + digits
        return text
    }
}

extension String {
    var escapedForHTML: String {
        var escaped = ""
        for character in plain {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
