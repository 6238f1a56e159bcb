import Foundation

/// An SVG picture that is put into a page: its colours are the page's, and it says in words what it shows.
struct SVG {
    let width: Double
    let height: Double
    private let title: String
    private var content = ""

    init(width: Double, height: Double, title: String) {
        self.width = width
        self.height = height
        self.title = title
    }

    /// - Parameter note: what a pointer that rests on it shows.
    mutating func rect(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, opacity: Double? = nil, note: String? = nil
    ) {
        let opacity = opacity.map { " fill-opacity=\"\(Self.number($0))\"" } ?? ""
        element(
            "rect",
            "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" width=\"\(Self.number(max(0, width)))\" height=\"\(Self.number(height))\" class=\"\(style)\"\(opacity)",
            note)
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String, note: String? = nil) {
        element(
            "line",
            "x1=\"\(Self.number(x1))\" y1=\"\(Self.number(y1))\" x2=\"\(Self.number(x2))\" y2=\"\(Self.number(y2))\" class=\"\(style)\"",
            note)
    }

    mutating func circle(_ x: Double, _ y: Double, _ radius: Double, _ style: String, note: String? = nil) {
        element("circle", "cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(Self.number(radius))\" class=\"\(style)\"", note)
    }

    enum Anchor: String {
        case start, middle, end
    }

    mutating func text(_ x: Double, _ y: Double, _ text: String, _ style: String = "", anchor: Anchor = .start) {
        content +=
            "<text x=\"\(Self.number(x))\" y=\"\(Self.number(y))\" class=\"\(style)\" text-anchor=\"\(anchor.rawValue)\">\(text.escapedForHTML)</text>\n"
    }

    private mutating func element(_ name: String, _ attributes: String, _ note: String?) {
        content += note.map { "<\(name) \(attributes)><title>\($0.escapedForHTML)</title></\(name)>\n" } ?? "<\(name) \(attributes)/>\n"
    }

    /// Hatching, so that being down does not depend on seeing a colour.
    private static let patterns = """
        <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
        <rect width="6" height="6" class="hatch-ground"/><line x1="0" y1="0" x2="0" y2="6" class="hatch-line"/></pattern></defs>
        """

    var text: String {
        """
        <svg viewBox="0 0 \(Self.number(width)) \(Self.number(height))" role="img" aria-label="\(title.escapedForHTML)">
        <title>\(title.escapedForHTML)</title>
        \(Self.patterns)
        \(content)</svg>
        """
    }

    /// With two decimals. A page of charts has many thousands of them, and Foundation makes a formatter for each.
    static func number(_ value: Double) -> String {
        // A value that cannot be drawn is at the origin.
        let hundredths = Int(exactly: (value * 100).rounded()) ?? 0
        let (whole, rest) = abs(hundredths).quotientAndRemainder(dividingBy: 100)
        return "\(hundredths < 0 ? "-" : "")\(whole).\(rest < 10 ? "0" : "")\(rest)"
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

/// Seconds on a horizontal axis.
struct TimeScale {
    let from: Double
    let to: Double
    let left: Double
    let right: Double

    func x(_ seconds: Double) -> Double {
        left + (min(max(seconds, from), to) - from) / max(0.001, to - from) * (right - left)
    }

    /// Round numbers, about eight of them.
    var ticks: [Double] {
        let span = max(0.001, to - from)
        var step = 0.001
        let factors = [2.0, 2.5, 2.0]
        var index = 0
        while span / step > 9 {
            step *= factors[index % 3]
            index += 1
        }
        return stride(from: (from / step).rounded(.up) * step, through: to, by: step).map { $0 }
    }

    static func label(_ seconds: Double) -> String {
        let rounded = (seconds * 1000).rounded() / 1000
        return rounded == rounded.rounded() ? "\(Int(rounded)) s" : "\(rounded) s"
    }
}
