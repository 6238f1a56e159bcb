/// A plain-text table with aligned columns. If it is too wide, it continues below, and each part repeats the first column.
public struct TextTable {
    /// The alignment of a column.
    public enum Alignment {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    public init(_ columns: [(String, Alignment)]) {
        self.columns = columns.map { (title: $0.0, alignment: $0.1) }
    }

    /// Adds a row.
    public mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// - Parameter width: the most characters of a line; `nil` for no limit. A single column that is wider stays whole.
    public func lines(width: Int? = nil) -> [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        var parts = [[Int]()]
        var used = 0
        for column in columns.indices.dropFirst() {
            let needed = widths[column] + Self.gap
            if let width, used + needed + widths[0] > width, parts.last != [] {
                parts.append([])
                used = 0
            }
            parts[parts.count - 1].append(column)
            used += needed
        }
        return Array(parts.map { lines(all, widths, [0] + $0) }.joined(separator: [""]))
    }

    private static let gap = 2

    private func lines(_ all: [[String]], _ widths: [Int], _ shown: [Int]) -> [String] {
        all.map { row in
            let cells = shown.map { column in
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                return columns[column].alignment == .left ? row[column] + padding : padding + row[column]
            }
            var line = cells.joined(separator: String(repeating: " ", count: Self.gap))
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}
