public import Experiment
public import Fault
import Journal
public import Verdict

/// The settings of a run, apart from its experiments.
public struct RunOptions: Sendable {
    /// The report folder. It exists, and has no journal yet.
    public var folder: String
    public var runID: String
    public var version: String
    /// The seed of the ledger's random rows.
    public var seed: UInt64
    /// `--repeat`, which overrides the experiments.
    public var repeatOverride: Int?
    /// `--confirm-context`.
    public var confirmedContext: String?
    /// `--helper-image`, which overrides the experiments.
    public var helperImage: String?
    /// Is `true` if the target is the embedded sandbox, where no guard rails are needed.
    public var isSandbox: Bool
    /// The node that this harness runs on, if it runs in the cluster.
    public var ownNode: String?
    /// Is `true` to keep the ledger's tables for a later look.
    public var keepTables: Bool
    /// The words of the command line, for the report.
    public var command: [String]?
    /// The run's part of a command that runs its experiments side by side; `nil`: the run has all experiments.
    public var part: RunPart?
    /// The shutdowns that earlier runs have measured.
    public var earlierShutdowns: [EarlierShutdown] = []
    /// The kinds of fault that the experiments may have.
    public var faults: FaultCatalog

    public init(
        folder: String, runID: String, version: String, seed: UInt64, repeatOverride: Int? = nil, confirmedContext: String? = nil,
        helperImage: String? = nil, isSandbox: Bool = false, ownNode: String? = nil, keepTables: Bool = false,
        command: [String]? = nil, faults: FaultCatalog = .standard
    ) {
        self.folder = folder
        self.runID = runID
        self.version = version
        self.seed = seed
        self.repeatOverride = repeatOverride
        self.confirmedContext = confirmedContext
        self.helperImage = helperImage
        self.isSandbox = isSandbox
        self.ownNode = ownNode
        self.keepTables = keepTables
        self.command = command
        self.faults = faults
    }

    public var journalPath: String { RunFolder.journal(in: folder) }

    /// The standard error of the experiments' own clients.
    var clientLogPath: String { folder + "/client.log" }

    /// Every kind of change that a run with these faults may have to undo.
    var undoActions: [any UndoAction.Type] { faults.undoActions + [RemoveTables.self] }

    /// The fault that an experiment describes.
    func injection(_ fault: FaultDocument) -> any FaultInjection {
        faults.injection(fault, options: FaultOptions(helperImage: helperImage))
    }
}

/// An experiment file that has been validated.
public struct ExperimentSource: Sendable {
    public var file: String
    public var text: String
    public var experiments: [Experiment]

    public init(file: String, text: String, experiments: [Experiment]) {
        self.file = file
        self.text = text
        self.experiments = experiments
    }
}
