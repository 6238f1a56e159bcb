public import Experiment

/// The kinds of fault that there are. Everything that depends on the kinds is made from such a list.
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

    /// The kinds that an experiment file may name.
    public var formats: FaultFormats {
        .only(kinds.map { .optional($0.kind, .object($0.fields), $0.summary) })
    }

    /// The fault that a file, which was parsed with ``formats``, describes.
    public func injection(_ fault: FaultDocument, options: FaultOptions) -> any FaultInjection {
        guard let kind = kinds.first(where: { $0.kind == fault.kind }) else {
            preconditionFailure("the experiment was parsed with another list of faults: '\(fault.kind)' is not in this one")
        }
        return kind.init(fault.fields, options: options)
    }

    /// Every kind of change that these faults may have to undo, each once.
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
