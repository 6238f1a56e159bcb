public import Experiment

/// An acknowledged failure. Until it expires, it is reported as known and does not affect the exit code.
public struct KnownFailure: Codable, Sendable, Hashable {
    public var experiment: String
    /// The name of the check, as in `junit.xml`.
    public var check: String
    public var why: String
    public var owner: String
    /// The last day on which it counts as known, `2026-12-31` in UTC.
    public var expires: String

    public init(experiment: String, check: String, why: String, owner: String, expires: String) {
        self.experiment = experiment
        self.check = check
        self.why = why
        self.owner = owner
        self.expires = expires
    }

    /// Reads the failures in the text of a file, which may have none.
    public static func parse(_ text: String, file: String) throws(ExperimentFileError) -> [KnownFailure] {
        let documents = try FormatFile.documents(text, file: file, as: format, empty: nil) { _, _ in }
        return documents.flatMap(\.elements).map {
            KnownFailure(
                experiment: $0.requiredText("experiment"), check: $0.requiredText("check"), why: $0.requiredText("why"),
                owner: $0.requiredText("owner"), expires: $0.requiredText("expires"))
        }
    }

    private static let format = Format.objects([
        .required("experiment", .text, "The experiment's name."),
        .required("check", .text, "The name of the check, as in junit.xml."),
        .required("why", .text, "The reason for which the failure is accepted."),
        .required("owner", .text, "The person or the team that sees to it."),
        .required(
            "expires", .string(pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", meaning: "a day such as 2026-12-31"),
            "The last day on which the failure counts as known."),
    ])

    /// - Parameter day: a day in UTC, such as `2026-12-31`. Days in this form sort as text.
    func covers(_ experiment: String, _ check: String, on day: String) -> Bool {
        self.experiment == experiment && self.check == check && day <= expires
    }
}
