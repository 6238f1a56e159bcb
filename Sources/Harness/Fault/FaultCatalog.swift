public import Experiment

/// A list of the kinds of fault. Everything that depends on the kinds is derived from it.
public struct FaultCatalog: Sendable {
    public var kinds: [any FaultInjection.Type]

    public init(_ kinds: [any FaultInjection.Type]) {
        self.kinds = kinds
    }

    public static let standard = FaultCatalog([
        ControlFault.self,
        ProcessKillFault.self,
        ContainerKillFault.self,
        MemoryExhaustFault.self,
        PodDeleteFault.self,
        PodEvictFault.self,
        RolloutFault.self,
        DiskFullFault.self,
        NetworkCutFault.self,
        NetworkDelayFault.self,
        NodeDrainFault.self,
        NodeTaintFault.self,
        NodeFailureFault.self,
        CommandFault.self,
    ])

    /// The formats of the kinds in an experiment file.
    public var formats: FaultFormats {
        .only(kinds.map { .optional($0.kind, .object($0.fields), $0.summary) })
    }

    /// Creates the fault of an experiment that was parsed with ``formats``.
    public func injection(_ fault: FaultDocument, options: FaultOptions) -> any FaultInjection {
        guard let kind = kinds.first(where: { $0.kind == fault.kind }) else {
            preconditionFailure("the experiment was parsed with another list of faults: '\(fault.kind)' is not in this one")
        }
        return kind.init(fault.fields, options: options)
    }

    /// The kinds of change that these faults may have to undo, each once.
    public var undoActions: [any UndoAction.Type] {
        var seen: Set<String> = []
        return kinds.flatMap { $0.undoActions }.filter { seen.insert($0.kind).inserted }
    }

    /// The table in docs/faults.md.
    public var manual: String {
        let rows = kinds.flatMap { $0.manual }.map { row in
            "| \(row.name) | \(row.happens) | \(row.proof) | \(row.restored) | \(row.restoredProof.isEmpty ? "" : row.restoredProof + " ")|"
        }
        let header = ["| fault | what happens | what proves it | what is restored | how that is proven |", "|---|---|---|---|---|"]
        return (header + rows).joined(separator: "\n")
    }
}
