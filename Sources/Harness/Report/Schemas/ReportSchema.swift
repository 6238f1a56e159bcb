/// The JSON Schemas (draft-07) of what a run and the commands write. Their `$id` has the version; a reader ignores what it does not know.
public enum ReportSchema: String, CaseIterable, Sendable {
    case results
    /// Of one line of a journal.
    case journal
    case comparison, doctor, history
    /// Of one line of a history file.
    case historyLine = "history-line"
    case plan, restore, validation
    /// Of a webhook's body.
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
