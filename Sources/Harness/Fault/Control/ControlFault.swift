public import Experiment
public import Journal
public import Kubernetes

/// Does nothing for a while: the control experiment, whose downtime must be 0.
public struct ControlFault: FaultInjection {
    public static let kind = FaultDocument.control
    public static let summary = "Nothing: the control experiment, whose downtime must be 0."
    public static let fields: [Format.Field] = [
        .optional("duration", .positive, .duration(.seconds(30)), "The time for which nothing is done.")
    ]
    public static let manual = [
        FaultManual("`none`", happens: "nothing, for `duration`: the control experiment", proof: "nothing to prove; the downtime must be 0")
    ]

    public let duration: Duration

    public init(_ fields: FormatValue, options: FaultOptions) {
        duration = fields.requiredDuration("duration")
    }

    public var replacesPod: Bool { false }
    public var sparesInstance: Bool { true }

    public func plan(_ target: FaultTarget) -> [String] { ["inject nothing for \(duration.text)"] }

    public func permissions(_ scope: FaultScope) -> [ResourceAttributes] { [] }

    public func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        try await ContinuousClock().sleep(for: duration)
        return "nothing was done for \(duration.text)"
    }

    public func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        FaultEffect(proven: true, evidence: ["nothing was done"])
    }
}
