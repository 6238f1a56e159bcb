public import JSON

/// The first record of a journal.
public struct RunStarted: Codable, Sendable, Hashable {
    /// An experiment file, and its meaning at the time of the run.
    public struct Source: Codable, Sendable, Hashable {
        public var file: String
        /// The text of the file.
        public var text: String
        /// Its documents with every default filled in. A stored run is judged by them, even if the defaults have changed since. `nil` in
        /// journals from before this field.
        public var effective: [JSONValue]?

        public init(file: String, text: String, effective: [JSONValue]? = nil) {
            self.file = file
            self.text = text
            self.effective = effective
        }
    }

    /// The place of a journal among those of one run with experiments side by side.
    public struct Part: Codable, Sendable, Hashable {
        /// The ID of the whole run.
        public var run: String
        /// The place of the experiment in the order of the files, from 1.
        public var number: Int
        /// The number of experiments, each with a journal.
        public var count: Int

        public init(run: String, number: Int, count: Int) {
            self.run = run
            self.number = number
            self.count = count
        }
    }

    public var runID: String
    public var version: String
    /// The wall clock at the run's origin, RFC 3339 in UTC.
    public var startedAt: String
    public var host: String
    public var seed: UInt64
    /// The kubeconfig context's name, `sandbox` for the embedded cluster.
    public var context: String
    public var serverVersion: String
    public var sources: [Source]
    /// `--repeat`, which overrides the experiments.
    public var repeatOverride: Int?
    /// The words of the command line; `nil` if not known.
    public var command: [String]?
    /// `nil` if the journal is that of the whole run.
    public var part: Part?

    public init(
        runID: String, version: String, startedAt: String, host: String, seed: UInt64, context: String, serverVersion: String,
        sources: [Source], repeatOverride: Int?, command: [String]? = nil, part: Part? = nil
    ) {
        self.runID = runID
        self.version = version
        self.startedAt = startedAt
        self.host = host
        self.seed = seed
        self.context = context
        self.serverVersion = serverVersion
        self.sources = sources
        self.repeatOverride = repeatOverride
        self.command = command
        self.part = part
    }
}

/// The result of one check before the run.
public struct PreflightCheck: Codable, Sendable, Hashable {
    /// The result of a check.
    public enum Status: String, Codable, Sendable, CaseIterable {
        case passed, warning, failed
    }

    public var name: String
    public var status: Status
    public var message: String
    /// The next step for the user.
    public var hint: String?

    public init(name: String, status: Status, message: String, hint: String? = nil) {
        self.name = name
        self.status = status
        self.message = message
        self.hint = hint
    }
}

/// All records up to the next ``ExperimentStarted`` are about this experiment.
public struct ExperimentStarted: Codable, Sendable, Hashable {
    public var name: String

    public init(name: String) {
        self.name = name
    }
}

/// All records up to ``RepeatEnded`` are about this repeat. `number` counts from 1.
public struct RepeatStarted: Codable, Sendable, Hashable {
    public var number: Int
    public var of: Int

    public init(number: Int, of: Int) {
        self.number = number
        self.of = of
    }
}

/// A step of the repeat, for progress output and readers of the journal.
public struct StageEntered: Codable, Sendable, Hashable {
    /// The steps of a repeat.
    public enum Stage: String, Codable, Sendable, CaseIterable {
        case preparing, steadying, steady, injecting, recovering, recovered, stable, gaveUp, undoing, settling
    }

    public var stage: Stage

    public init(stage: Stage) {
        self.stage = stage
    }
}

/// The end of a repeat.
public struct RepeatEnded: Codable, Sendable, Hashable {
    /// The way in which a repeat ended.
    public enum How: String, Codable, Sendable, CaseIterable {
        case completed
        /// Not recovered before the experiment's `giveUpAfter`.
        case gaveUp
        /// A signal, or an error of the harness, ended it.
        case aborted
    }

    public var how: How
    public var reason: String?

    public init(how: How, reason: String? = nil) {
        self.how = how
        self.reason = reason
    }
}

/// The interruption of a run, or the error that ended it.
public struct Interrupted: Codable, Sendable, Hashable {
    /// `SIGINT`, `SIGTERM`, or `error`.
    public var cause: String
    public var message: String

    public init(cause: String, message: String) {
        self.cause = cause
        self.message = message
    }
}

/// The last record of a journal.
public struct RunEnded: Codable, Sendable, Hashable {
    /// Is `true` if every undo of the run was proven.
    public var restored: Bool

    public init(restored: Bool) {
        self.restored = restored
    }
}
