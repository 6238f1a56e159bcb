/// The fault of an experiment file: its kind, and fields that only this kind can interpret.
public struct FaultDocument: Sendable, Hashable {
    /// The kind's name in the file.
    public var kind: String
    public var fields: FormatValue

    /// The kind of the control experiment, which injects nothing and whose downtime must be 0.
    public static let control = "none"

    public var isControl: Bool { kind == Self.control }
}

/// The kinds of fault that an experiment file may name.
public enum FaultFormats: Sendable {
    /// Only these kinds, each with a description of its fields.
    case only([Format.Field])
    /// Any kind with any fields, for judging a stored run: its file was validated at the run, maybe by another version.
    case any

    var format: Format {
        switch self {
        case .only(let kinds): .oneOf(kinds)
        case .any: .anyOne
        }
    }
}
