public import Experiment
public import Journal

/// The run of one experiment beside others of the same command. It has its own journal, and all share one clock.
public struct RunPart: Sendable {
    /// The start of the whole command, which is the origin of the times in every journal.
    public struct Origin: Sendable {
        public let clock: RunClock
        /// RFC 3339, UTC.
        public let startedAt: String

        public init(clock: RunClock = RunClock(), startedAt: String) {
            self.clock = clock
            self.startedAt = startedAt
        }
    }

    let place: RunStarted.Part
    let order: SideBySide
    /// Is `true` if an earlier experiment holds the target's Lease until it ends.
    let takesLockLate: Bool
    private let origin: Origin
    private let index: Int
    private let steps: AsyncStream<SideBySide.Turn?>

    /// - Parameters:
    ///   - run: the ID of the whole.
    ///   - count: of the experiments.
    public init(of experiment: Experiment, in order: SideBySide, run: String, count: Int, origin: Origin) async {
        let index: Int
        (index, takesLockLate, steps) = await order.add(experiment, runID: { Self.runID(run, $0 + 1) })
        place = RunStarted.Part(run: run, number: index + 1, count: count)
        self.index = index
        self.order = order
        self.origin = origin
    }

    /// The ID of the part's own run, for the marks on its changes. No ID of a whole run contains the letter.
    private static func runID(_ run: String, _ number: Int) -> String { "\(run)x\(number)" }

    /// Returns whether `id` is that of the run `wanted`, or of a part of it.
    static func isRun(_ id: String, in wanted: String) -> Bool {
        id == wanted || id.hasPrefix("\(wanted)x") && id.dropFirst(wanted.count + 1).allSatisfy(\.isNumber)
    }

    public var runID: String { Self.runID(place.run, place.number) }

    var clock: RunClock { origin.clock }
    var startedAt: String { origin.startedAt }

    /// Waits until fewer experiments are being checked than may be.
    func awaitChecks() async throws { _ = try await nextStep() }

    /// Reports that the checks have passed, and waits for the experiment's turn.
    func awaitTurn() async throws -> SideBySide.Turn {
        await order.checked(index)
        guard let turn = try await nextStep() else { throw CancellationError() }
        return turn
    }

    func leave() async { await order.leave(index) }

    private func nextStep() async throws -> SideBySide.Turn? {
        for await step in steps { return step }
        throw CancellationError()
    }
}
