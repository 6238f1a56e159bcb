import Experiment
public import Foundation
import Journal
public import Verdict

/// The reference table as a Markdown page, for comparison with the page of another cluster.
public struct ReferencePage {
    /// One way to lose the instance with one debt, and all runs of it.
    public struct Arm {
        public var name: String
        /// The way in words.
        public var title: String
        /// The requested debt; `nil` for an idle database.
        public var debt: String?
        public var runs: [Findings]
        /// The reason why there are no runs, or `nil`.
        public var leftOut: String?

        public init(name: String, title: String, debt: String?, runs: [Findings], leftOut: String?) {
            self.name = name
            self.title = title
            self.debt = debt
            self.runs = runs
            self.leftOut = leftOut
        }
    }

    private let arms: [Arm]
    private let rows: [ReferenceRow]
    /// The requested number of repeats of each arm.
    private let repeats: Int
    private let note: String?

    /// - Parameter note: a sentence about the cluster.
    public init(_ arms: [Arm], repeats: Int, note: String? = nil) {
        self.arms = arms
        rows = arms.map(ReferenceRow.init)
        self.repeats = repeats
        self.note = note
    }

    /// Returns the page as UTF-8.
    public func data() -> Data { Data(text.utf8) }

    var text: String {
        var lines = [
            "# Reference: the downtime of one SQL Server pod, as its clients see it", "",
            "Made by `aftershock reference`. The same command makes this page on any cluster.", "",
        ]
        if isStandIn {
            lines += [
                "**The server is SandboxSQL, the stand-in of this project. These are figures of Kubernetes and of the stand-in's recovery, "
                    + "not of SQL Server.**", "",
            ]
        }
        if let note { lines += [Self.cell(note), ""] }
        lines += place + downtimes + times + notes + Self.legend(repeats)
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: The place

    private var runs: [Findings] { arms.flatMap(\.runs) }

    private var found: [RepeatFindings] { rows.flatMap(\.repeats) }

    private var pods: [Snapshot.Pod] { found.compactMap { $0.before?.servingPod } }

    private var isStandIn: Bool {
        pods.contains { $0.image?.contains("sandbox-sql") == true }
            || runs.contains { $0.run?.serverVersion.contains("+aftershock") == true }
    }

    private var place: [String] {
        let targets = runs.flatMap(\.experiments).compactMap { $0.experiment?.target }
        let times = runs.compactMap { $0.run?.startedAt }
        let schedules = found.flatMap(\.serviceTracks).map {
            "\($0.track.rawValue) every \(Duration.nanoseconds($0.schedule.interval).text)"
        }
        let facts: [(String, [String])] = [
            ("cluster", runs.compactMap { $0.run?.context }),
            ("Kubernetes", runs.compactMap { $0.run?.serverVersion }),
            ("workload", targets.map { "\($0.namespace)/\($0.workloadKind)/\($0.workload)" }),
            ("storage class", found.flatMap { $0.before?.volumes ?? [] }.compactMap(\.storageClass)),
            ("image", pods.compactMap(\.image)),
            (
                "image digest",
                pods.compactMap { pod in pod.imageID.flatMap { id in id.ranges(of: "sha256:").last.map { String(id[$0.lowerBound...]) } } }
            ),
            ("server", found.compactMap(\.server)),
            ("version", found.compactMap { $0.engine.before?.version }),
            ("edition", found.compactMap { $0.engine.before?.edition }),
            (
                "the pod tolerates a lost node for",
                pods.compactMap { $0.tolerationSeconds?["node.kubernetes.io/unreachable"] }.map { "\($0) s" }
            ),
            ("probes", schedules),
            ("given up after", runs.flatMap(\.experiments).compactMap { $0.experiment?.giveUpAfter.text }),
            ("Aftershock", runs.compactMap { $0.run?.version }),
            ("measured", [times.min(), times.max()].compactMap { $0 }.map { String($0.prefix(10)) }),
        ]
        return ["| | |", "|---|---|"]
            + facts.map { name, values in
                "| \(name) | \(values.isEmpty ? "not known" : Self.cell(values.distinct.joined(separator: ", "))) |"
            } + [""]
    }

    // MARK: Tables

    private var downtimes: [String] {
        [
            "## Downtime", "",
            "| | debt at the fault | repeats | downtime, median | downtime, worst | healthy for good after, worst | rows lost | verdicts |",
            "|---|---|---|---|---|---|---|---|",
        ] + rows.map { row in Self.line([row.arm.name, row.debt] + row.downtimeCells) } + [""]
    }

    private var times: [String] {
        [
            "## Where the time went", "",
            "| | debt at the fault | old one gone | new one scheduled, volume attached | container started | port open, login accepted "
                + "| logins taken, the ledger's database in recovery, worst | first query, first write | recovery by the server's log, worst | the server's stop |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ] + rows.filter(\.isMeasured).map { row in Self.line([row.arm.name, row.debt] + row.timeCells) } + [""]
    }

    private var notes: [String] {
        var lines = ["## Notes", ""]
        for row in rows {
            lines.append("- **\(row.title)**: \(Self.cell(row.arm.title)).\(row.notes.map { " \(Self.cell($0))" }.joined())")
        }
        return lines + [""]
    }

    private static func legend(_ repeats: Int) -> [String] {
        [
            "## How to read it", "",
            "- Each was to be measured \(counted(repeats, "time")). The rounds took turns: every line once, then every line again.",
            "- A downtime is that of the track which was out the longest in a repeat, by its bounds: the truth lies between them. The median "
                + "and the worst are those of the lower bounds, and those of the upper bounds. \"≥\": the end was not seen.",
            "- Times of the second table are medians over the repeats, but for those that are called worst; medians need not add up. It has the "
                + "lines that were measured.",
            "- \"debt\" is the log since the last checkpoint, measured right before the fault.",
            "- \"could not tell\" counts repeats that prove nothing; no figure is taken from them.",
        ]
    }

    private static func line(_ cells: [String]) -> String { "| " + cells.map(cell).joined(separator: " | ") + " |" }

    /// Text that neither ends a table's cell nor becomes markup.
    private static func cell(_ text: String) -> String {
        text.line(limit: 1000).replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "<", with: "&lt;")
    }
}

extension [String] {
    /// Each element once, in the order of its first occurrence.
    fileprivate var distinct: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
