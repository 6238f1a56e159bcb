public import Experiment
import Fault
public import Kubernetes

/// Decides which experiments of a command run side by side, and when each begins.
///
/// All are checked before any begins, and none begins when one of the checks has failed. Two that exclude each other begin in their order.
public actor SideBySide {
    /// The answer to whether an experiment may begin.
    enum Turn: Sendable, Hashable {
        /// - isLate: others have begun before.
        case begin(isLate: Bool)
        /// The names of the experiments whose checks have failed.
        case refused([String])
    }

    private enum State {
        case queued, checking, waiting, ended
        case running(Claim)

        var isQueued: Bool { if case .queued = self { true } else { false } }
        var isChecking: Bool { if case .checking = self { true } else { false } }
        var isWaiting: Bool { if case .waiting = self { true } else { false } }
        var claim: Claim? { if case .running(let claim) = self { claim } else { nil } }
    }

    private struct Entry {
        let experiment: Experiment
        let runID: String
        var state = State.queued
        /// Ends the wait for the next step, which may be the turn to run.
        let steps: AsyncStream<Turn?>.Continuation
    }

    private let most: Int
    private let claim: @Sendable (Experiment) async -> Claim
    private var entries: [Entry] = []
    private var refused: [String] = []
    private var hasBegun = false
    private var isDeciding = false
    private var isStale = false

    /// - Parameter most: the number that may run, or be checked, at the same time.
    public init(_ experiments: [Experiment], atMost most: Int, options: RunOptions, client: KubernetesClient) {
        let takesNode = experiments.contains { options.injection($0.fault).takesNode }
        self.init(atMost: most) { takesNode ? await Claim($0, options, client) : Claim(withoutNodes: $0) }
    }

    init(atMost most: Int, claim: @Sendable @escaping (Experiment) async -> Claim) {
        self.most = most
        self.claim = claim
    }

    /// The IDs of the runs that have begun and not ended.
    var running: Set<String> {
        Set(entries.filter { $0.state.claim != nil }.map(\.runID))
    }

    /// Adds an experiment. All are added before the first one asks for its turn.
    ///
    /// - Returns: its place, and whether an earlier one holds its target's Lease.
    func add(_ experiment: Experiment, runID: (Int) -> String) -> (index: Int, sharesTarget: Bool, steps: AsyncStream<Turn?>) {
        let shares = entries.contains { $0.experiment.target.isShared(with: experiment.target) }
        let (stream, continuation) = AsyncStream<Turn?>.makeStream()
        entries.append(Entry(experiment: experiment, runID: runID(entries.count), steps: continuation))
        return (entries.count - 1, shares, stream)
    }

    /// Starts the checks of the first experiments.
    public func start() async { await decide() }

    /// Reports that an experiment's checks have passed.
    func checked(_ index: Int) async {
        entries[index].state = .waiting
        await decide()
    }

    /// Reports that an experiment has ended, and that its changes are undone or given up.
    func leave(_ index: Int) async {
        switch entries[index].state {
        case .queued, .checking: refused.append(entries[index].experiment.name)
        case .waiting, .running, .ended: break
        }
        entries[index].state = .ended
        await decide()
    }

    // MARK: Deciding

    private func decide() async {
        guard !isDeciding else {
            isStale = true
            return
        }
        isDeciding = true
        repeat {
            isStale = false
            beginChecks()
            if !entries.contains(where: { $0.state.isQueued || $0.state.isChecking }) { await giveTurns() }
        } while isStale
        isDeciding = false
    }

    private func beginChecks() {
        for index in entries.indices where entries[index].state.isQueued && entries.count(where: { $0.state.isChecking }) < most {
            entries[index].state = .checking
            entries[index].steps.yield(nil)
        }
    }

    private func giveTurns() async {
        let waiting = entries.indices.filter { entries[$0].state.isWaiting }
        guard refused.isEmpty || hasBegun else {
            for index in waiting { give(.refused(refused), to: index) }
            return
        }
        let isLate = hasBegun
        var earlier = entries.compactMap(\.state.claim)
        for index in waiting where entries.count(where: { $0.state.claim != nil }) < most {
            let own = await claim(entries[index].experiment)
            guard entries[index].state.isWaiting else { continue }
            if !earlier.contains(where: own.excludes) {
                entries[index].state = .running(own)
                hasBegun = true
                give(.begin(isLate: isLate), to: index)
            }
            earlier.append(own)
        }
    }

    private func give(_ turn: Turn, to index: Int) { entries[index].steps.yield(turn) }
}
