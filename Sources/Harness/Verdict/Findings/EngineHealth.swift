public import Journal

/// The engine's state before and after the fault, by its own answers, by the cluster and by the server's log.
public struct EngineHealth: Sendable, Hashable {
    public var before: EngineState?
    public var after: EngineState?
    /// The log's error lines since the fault.
    public var errors: [ServerLogEntry]
    /// The reasons why parts of the log are missing; empty if none are.
    public var logGaps: [String]
    /// Instances that ended during the recovery, with the reason: neither the one that the fault hit nor the one that serves.
    public var lostStarts: [LostStart]

    /// An instance that ended during the recovery.
    public struct LostStart: Sendable, Hashable {
        public var at: RunTime
        public var exit: ContainerExit
        /// A liveness probe ended it.
        public var byLiveness: Bool
    }

    /// Errors about damage and failing storage.
    static let alarming: Set<Int> = [823, 824, 825, 833, 9001, 17053]
    /// Errors that a full volume causes.
    static let ofFullVolume: Set<Int> = [9001, 9002, 1105, 17053]

    init(_ facts: RepeatReducer) {
        before = facts.engineBefore
        after = facts.engineAfter
        let fault = facts.faultBegan
        let log = facts.serverLog.filter { seen in fault.map { seen.at >= $0 } ?? false }
        errors = log.map(\.entry).filter { $0.kind == .error }
        logGaps = facts.serverLog.map(\.entry).filter { [.unreadable, .truncated].contains($0.kind) }.map(\.text)
        if !facts.serverLog.contains(where: { $0.entry.kind == .followed }), logGaps.isEmpty { logGaps = ["it was not read"] }
        guard let fault, let old = facts.before?.servingPod else {
            lostStarts = []
            return
        }
        let seen = facts.observations.filter { $0.at >= fault }
        let liveness = seen.filter { $0.observation.kind == .event && $0.observation.detail?.isLivenessKill == true }
        var previous = fault
        var lost: [LostStart] = []
        for end in seen where end.observation.kind == .containerTerminated {
            guard let exit = end.observation.exit, exit.containerID != old.containerID, exit.containerID != nil else {
                previous = end.at
                continue
            }
            let byLiveness = liveness.contains {
                $0.at >= previous && $0.at <= end.at && $0.observation.uid == end.observation.uid
            }
            lost.append(LostStart(at: end.at, exit: exit, byLiveness: byLiveness))
            previous = end.at
        }
        lostStarts = lost
    }
}

extension String {
    /// `Killing: Container sqlservr failed liveness probe, will be restarted`.
    fileprivate var isLivenessKill: Bool { hasPrefix("Killing") && contains("liveness probe") }
}

extension EngineHealth {
    /// The differences that break the promise.
    ///
    /// - Parameters:
    ///   - imageChanged: another image may be another version.
    ///   - ledger: the ledger's database, which the check of the rows judges.
    ///   - isOneServer: whether the answers before and after came from one server.
    func problems(fault: String?, imageChanged: Bool, ledger: String?, isOneServer: Bool) -> [String] {
        var problems: [String] = []
        if isOneServer, let before, let after {
            problems += databaseProblems(before, after, except: ledger)
            func compare(_ name: String, _ field: KeyPath<EngineState, String?>) {
                guard let old = before[keyPath: field], let new = after[keyPath: field], old != new else { return }
                problems.append("\(name) is \(new), before \(old)")
            }
            compare("@@SERVERNAME", \.serverName)
            if !imageChanged {
                compare("the version", \.version)
                compare("the edition", \.edition)
            }
            if before.hasRunningAgent, let old = before.agent, let new = after.agent, new != old {
                problems.append("SQL Server Agent is \(new), before \(old)")
            }
        }
        let expected = fault == "diskFull" ? Self.ofFullVolume : []
        let alarms = errors.filter { error in error.number.map { Self.alarming.subtracting(expected).contains($0) } ?? false }
        for number in Set(alarms.compactMap(\.number)).sorted() {
            let lines = alarms.filter { $0.number == number }
            let longest = lines.max { $0.text.utf8.count < $1.text.utf8.count }?.text ?? ""
            problems.append(
                "error \(number) is in the server's log \(counted(lines.count, "time")) since the fault: \(longest)")
        }
        for lost in lostStarts {
            if lost.byLiveness {
                problems.append("a liveness probe killed the server while it was coming back (exit code \(lost.exit.code))")
            } else if lost.exit.reason == "OOMKilled" {
                problems.append("OOMKilled: the new server ran out of its memory limit while it was coming back")
            }
        }
        return problems
    }

    private func databaseProblems(_ before: EngineState, _ after: EngineState, except ledger: String?) -> [String] {
        guard let old = before.databases, let new = after.databases else { return [] }
        return old.filter { $0.name != ledger }.compactMap { database in
            guard let now = new.first(where: { $0.name == database.name }) else { return "database \(database.name) is gone" }
            return now.state == database.state || now.state == "ONLINE"
                ? nil : "database \(database.name) is \(now.state), before \(database.state)"
        }
    }

    /// The values that were compared, and those that could not be read.
    var details: [String] {
        var lines: [String] = []
        for (name, field) in Self.fields {
            let values = [before, after].map { $0.flatMap { $0[keyPath: field] } }
            if let old = values[0], let new = values[1] {
                lines.append(old == new ? "\(name): \(new)" : "\(name): \(new), before \(old)")
            } else {
                let key = Self.keys[name] ?? name
                let reason = [after, before].compactMap { $0?.notAsked[key] }.first
                lines.append("\(name): not asked\(reason.map { " (\($0))" } ?? "")")
            }
        }
        if let databases = after?.databases {
            lines.append("databases: " + databases.map { "\($0.name) \($0.state)" }.joined(separator: ", "))
        } else {
            lines.append("databases: not asked\(after?.notAsked["databases"].map { " (\($0))" } ?? "")")
        }
        lines += logGaps.map { "the server's log: not asked (\($0))" }
        lines += errors.map { "the server's log: \($0.text)" }
        lines += lostStarts.map { lost in
            "an instance that was coming back ended with exit code \(lost.exit.code)\(lost.exit.reason.map { ", \($0)" } ?? "")"
        }
        return lines
    }

    private static var fields: [(String, KeyPath<EngineState, String?>)] {
        [
            ("@@SERVERNAME", \.serverName), ("version", \.version), ("edition", \.edition), ("SQL Server Agent", \.agent),
            ("certificate", \.certificate),
        ]
    }

    private static let keys = ["@@SERVERNAME": "serverName", "SQL Server Agent": "agent"]
}

extension RepeatJudge {
    func judgeEngineHealth() -> Judgement? {
        let old = facts.before?.servingPod
        let new = facts.after?.servingPod
        let imageChanged = old?.imageID != new?.imageID
        let problems = health.problems(
            fault: facts.fault?.fault, imageChanged: imageChanged, ledger: facts.prepared?.database,
            isOneServer: facts.severalBackends == nil)
        if let first = problems.first {
            let more = problems.count > 1 ? "; \(problems.dropFirst().joined(separator: "; "))" : ""
            return .failed(.engineHealth, type: "engine-health", first + more, details: health.details)
        }
        if let several = facts.severalBackends {
            return .skipped(.engineHealth, "not asked: the Service led to several servers (\(several)), and any of them may have answered")
        }
        guard let before = health.before, let after = health.after else {
            return .skipped(.engineHealth, "not asked: the server was not asked for its state before the fault and after the recovery")
        }
        guard let databases = after.databases, before.databases != nil else {
            let reason = after.notAsked["databases"] ?? before.notAsked["databases"] ?? "no reason is known"
            return .skipped(.engineHealth, "not asked: the states of the databases are not known (\(reason))")
        }
        let name = after.serverName.map { ", server name \($0)" } ?? ""
        let log = health.logGaps.isEmpty ? "no alarming line is in its log" : "its log was not read whole"
        let open = databases.count { $0.state == "ONLINE" }
        return .passed(
            .engineHealth, "\(open) of \(counted(databases.count, "database is", "databases are")) ONLINE, as before\(name); \(log)",
            details: health.details)
    }
}
