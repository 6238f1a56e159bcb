/// A place in a file, counted from 1.
public struct SourcePosition: Sendable, Hashable, Comparable {
    public var line: Int
    public var column: Int

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// A problem of an experiment file, with its place.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    public var position: SourcePosition
    public var message: String
    /// The text to write instead.
    public var hint: String?
    /// The line it is about.
    public var sourceLine: String

    /// `file:line:column: error: message`, the source line, a caret under the place, and the hint.
    public var description: String {
        var text = "\(file):\(position.line):\(position.column): error: \(message)"
        if !sourceLine.isEmpty {
            let number = String(position.line)
            let gutter = String(repeating: " ", count: number.count)
            let lead = String(sourceLine.prefix(position.column - 1).map { $0 == "\t" ? "\t" : " " })
            text += "\n \(number) | \(sourceLine)\n \(gutter) | \(lead)^"
        }
        if let hint { text += "\n   hint: \(hint)" }
        return text
    }
}

/// All problems of an experiment file, in the file's order.
public struct ExperimentFileError: Error, Sendable, Hashable, CustomStringConvertible {
    public var diagnostics: [Diagnostic]

    public var description: String {
        diagnostics.map(\.description).joined(separator: "\n")
    }
}
