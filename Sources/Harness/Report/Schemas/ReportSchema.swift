/// The JSON Schemas (draft-07) of the output of a run and of the commands. Their `$id` has the version; readers ignore unknown keys.
public enum ReportSchema: String, CaseIterable, Sendable {
    case results
    /// The schema of a line of a journal.
    case journal
    case comparison, doctor, history
    /// The schema of a line of a history file.
    case historyLine = "history-line"
    case plan, restore, validation
    /// The schema of a webhook's body.
    case verdictChange = "verdict-change"

    public var text: String {
        let bytes =
            switch self {
            case .results: PackageResources.results_schema_json
            case .journal: PackageResources.journal_schema_json
            case .comparison: PackageResources.comparison_schema_json
            case .doctor: PackageResources.doctor_schema_json
            case .history: PackageResources.history_schema_json
            case .historyLine: PackageResources.history_line_schema_json
            case .plan: PackageResources.plan_schema_json
            case .restore: PackageResources.restore_schema_json
            case .validation: PackageResources.validation_schema_json
            case .verdictChange: PackageResources.verdict_change_schema_json
            }
        return String(decoding: bytes, as: UTF8.self)
    }
}
