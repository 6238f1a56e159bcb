public import JSON

/// A fleet as the objects or the file of an engine that runs it.
public struct FleetRendering: Sendable {
    /// An engine that can run a fleet.
    public enum Engine: String, Sendable, CaseIterable {
        /// An Indexed Job for each wave, on Kubernetes 1.31 and later.
        case job
        /// A Job for each cluster, on every Kubernetes.
        case jobs
        case argo, github, gitlab

        /// The most clusters of a wave for this engine; a larger wave is split.
        var limit: Int {
            switch self {
            // Their names and kubeconfigs are in a ConfigMap, which holds a mebibyte.
            case .job, .jobs: 2000
            // A Workflow is one object of a mebibyte and a half with the state of every pod.
            case .argo: 1000
            case .github: 256
            case .gitlab: 200
            }
        }
    }

    /// A wave, or a part of a wave that is too large for the engine.
    struct Batch {
        var name: String
        var wave: Fleet.Wave
        var clusters: [Fleet.Cluster]
    }

    /// The path of an experiment file in the fleet file, and its text.
    public struct File: Sendable {
        var path: String
        var text: String

        public init(path: String, text: String) {
            self.path = path
            self.text = text
        }
    }

    let fleet: Fleet
    /// The path of the fleet file in a checkout of the repository.
    let path: String
    let files: [File]

    public init(_ fleet: Fleet, path: String, files: [File]) {
        self.fleet = fleet
        self.path = path
        self.files = files
    }

    /// - Throws: an error with the clusters whose kubeconfigs the engine cannot reach.
    public func documents(for engine: Engine) throws(FleetRenderingError) -> [JSONValue] {
        let reachable = fleet.clusters.filter { cluster in
            switch (engine, cluster.kubeconfig) {
            case (.job, .secret), (.jobs, .secret), (.argo, .secret), (.github, .environment), (.gitlab, .environment): true
            default: false
            }
        }
        guard reachable.count == fleet.clusters.count else {
            let others = fleet.clusters.filter { cluster in !reachable.contains { $0.name == cluster.name } }.map(\.name)
            let wanted = engine == .github || engine == .gitlab ? "env" : "secret"
            throw FleetRenderingError(
                description: "--to \(engine.rawValue) reaches only kubeconfigs of the kind '\(wanted)'; that is not so of "
                    + "\(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? " and \(others.count - 3) more" : "")")
        }
        var parts: Set<String> = ["line", "merge"]
        for batch in batches(for: engine) {
            for part in [batch.name, "\(batch.name)-gate", "gate-\(batch.name)", "shard-\(batch.name)"] where !parts.insert(part).inserted {
                throw FleetRenderingError(
                    description: "--to \(engine.rawValue) has two parts '\(part)' of the waves; rename the wave '\(batch.wave.name)'")
            }
        }
        return switch engine {
        case .job: jobs(isIndexed: true)
        case .jobs: jobs(isIndexed: false)
        case .argo: argo
        case .github: [github]
        case .gitlab: [gitlab]
        }
    }

    func batches(for engine: Engine) -> [Batch] {
        fleet.waves.flatMap { wave in
            // GitLab cannot limit how many jobs of a stage run at once, so a batch has no more jobs than the limit.
            let size = engine == .gitlab ? min(wave.parallel, engine.limit) : engine.limit
            let starts = stride(from: 0, to: wave.clusters.count, by: size)
            return starts.enumerated().map { number, start in
                Batch(
                    name: wave.clusters.count > size ? "\(wave.name)-\(number + 1)" : wave.name, wave: wave,
                    clusters: Array(wave.clusters[start..<min(start + size, wave.clusters.count)]))
            }
        }
    }
}

/// The reason why a fleet cannot be rendered for an engine.
public struct FleetRenderingError: Error, CustomStringConvertible {
    public var description: String
}

/// The consequences of a shard's exit code. Docs: `docs/fleet.md`.
enum ShardExit {
    /// A change is not restored, or the file is not valid: no more shards may start.
    static let stopping: [Int64] = [6, 64]
    /// The shard has a result, and is not repeated whatever the result is.
    static let final: [Int64] = [1, 3, 4, 5, 70]
    /// The shard was killed or interrupted: it is started again, and restores first.
    static let repeated: [Int64] = [129, 130, 137, 143]
}
