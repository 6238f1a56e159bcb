/// The fault as the experiment file describes it: one kind, and fields whose meaning only that kind knows.
public struct FaultDocument: Sendable, Hashable {
    /// The kind as the file names it.
    public var kind: String
    public var fields: FormatValue

    /// The kind of the control experiment, in which nothing is done and the downtime must be 0.
    public static let control = "none"

    public var isControl: Bool { kind == Self.control }
}

/// The kinds of fault that an experiment file may name.
public enum FaultFormats: Sendable {
    /// These, each with a description of its fields.
    case only([Format.Field])
    /// Any kind with any fields, for judging a stored run: its file was validated when it was run, maybe by another version.
    case any

    var format: Format {
        switch self {
        case .only(let kinds): .oneOf(kinds)
        case .any: .anyOne
        }
    }
}
