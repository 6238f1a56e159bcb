import Foundation

/// A picture whose width is a quantity and that is stretched to the width there is. Its words are outside of it, so that they are not
/// stretched, and its colours are the page's.
struct SVG {
    let from: Double
    let span: Double
    let height: Double
    /// Its content in words; empty where a table beside it says the same.
    let title: String
    private var content = ""

    init(from: Double, to: Double, height: Double, title: String = "") {
        self.from = from
        span = max(0.001, to - from)
        self.height = height
        self.title = title
    }

    /// - Parameter note: what a pointer that rests on it shows.
    mutating func rect(_ x: Double, to end: Double, y: Double = 0, height: Double? = nil, _ style: String, note: String? = nil) {
        let attributes =
            "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(max(0, end - x)))\" "
            + "height=\"\(Self.number(height ?? self.height))\" class=\"\(style)\""
        content += note.map { "<rect \(attributes)><title>\($0.escapedForHTML)</title></rect>" } ?? "<rect \(attributes)/>"
    }

    /// Many rectangles of one look.
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

    /// With at most three decimals. A page of charts has many thousands of them, and Foundation makes a formatter for each.
    static func number(_ value: Double) -> String {
        // A number that cannot be drawn goes to the origin.
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
