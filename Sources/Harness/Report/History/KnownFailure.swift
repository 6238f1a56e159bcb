/// A failure that somebody has acknowledged: until it expires it is reported as known and does not fail the exit code.
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

    /// The reason for which it cannot be taken; `nil`: there is none.
    public var problem: String? {
        for (name, value) in [("experiment", experiment), ("check", check), ("why", why), ("owner", owner)] where value.isEmpty {
            return "'\(name)' is empty"
        }
        guard expires.wholeMatch(of: /\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])/) != nil else {
            return "'expires' is '\(expires)'; write a day such as 2026-12-31"
        }
        return nil
    }

    /// - Parameter day: such as `2026-12-31`, in UTC. Days of this form sort as text.
    func covers(_ experiment: String, _ check: String, on day: String) -> Bool {
        self.experiment == experiment && self.check == check && day <= expires
    }
}
