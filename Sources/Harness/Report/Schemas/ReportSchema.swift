/// The JSON Schemas (draft-07) of what a run writes. Their `$id` has the version; a reader ignores what it does not know.
public enum ReportSchema {
    public static var results: String { text(PackageResources.results_schema_json) }
    /// Of one line of a journal.
    public static var journal: String { text(PackageResources.journal_schema_json) }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
