import Experiment
import Journal

/// The time that a run is expected to take: before it from its experiments, during it from the repeats that are done.
struct RunEstimate {
    private let least: Duration
    private let most: Duration
    private let count: Int
    private var begun: RunTime?
    private var times: [Duration] = []

    /// - Parameter repeats: `--repeat`, instead of what the experiments say.
    init(_ experiments: [Experiment], repeats: Int?) {
        var (least, most, count) = (Duration.zero, Duration.zero, 0)
        for experiment in experiments {
            let own = repeats ?? experiment.repeats
            let idle = experiment.probes.idle.map { max(.zero, $0.silentFor - experiment.stableFor) } ?? .zero
            let quiet = experiment.steadyFor + experiment.stableFor + idle
            least += quiet * own + experiment.pauseBetween * (own - 1)
            // Until the service is steady, after the fault, and until it is stable: each is given up after so long.
            most += (quiet + experiment.giveUpAfter * 2) * own + experiment.pauseBetween * (own - 1)
            count += own
        }
        self.least = least
        self.most = most
        self.count = count
    }

    mutating func start(at time: RunTime) {
        begun = time
    }

    mutating func end(at time: RunTime) {
        if let begun { times.append(time - begun) }
        begun = nil
    }

    /// The shortest time that the whole run can take, from the experiments alone.
    var shortest: Duration { least }

    /// Of the whole run, from the experiments alone.
    var total: String {
        "\(counted(count, "repeat")), at least \(least.text) and at most about \(most.text)"
    }

    /// Of the repeats that are left, as long as those that are done; `nil`: none is done yet.
    var rest: String? {
        guard !times.isEmpty, count > times.count else { return nil }
        let mean = times.reduce(.zero, +) / times.count
        let seconds = (mean * (count - times.count)).components.seconds + 1
        return "\(times.count) of \(count) done, about \(Duration.seconds(seconds).text) left"
    }
}
