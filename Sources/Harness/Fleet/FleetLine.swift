extension Fleet {
    /// The answer to the question if more shards may start, in words.
    public struct Line: Sendable, Hashable, CustomStringConvertible {
        public var isStopped: Bool
        public var description: String
    }

    /// The clusters in the order of the waves, up to this one; `nil`: no cluster has the name.
    public func clusters(through name: String) -> [Cluster]? {
        let all = waves.flatMap(\.clusters)
        return all.firstIndex { $0.name == name }.map { Array(all[...$0]) }
    }

    /// Counts clusters against `stopAfter` of the fleet and of each wave.
    ///
    /// - Parameters:
    ///   - failed: may name clusters that this fleet does not have: its file may be that of one wave.
    ///   - missing: clusters that ought to have a result by now. One that has none counts as failed: it was killed too often, or never started.
    public func line(failed: Set<String>, missing: Set<String> = []) -> Line {
        let missing = missing.subtracting(failed)
        func stopped(_ own: (Set<String>) -> Set<String>, _ limit: Int, _ whose: String) -> Line? {
            let (failed, missing) = (own(failed), own(missing))
            guard failed.count + missing.count >= limit else { return nil }
            return Line(isStopped: true, description: "the line is stopped: \(Self.words(failed, missing)), and \(whose) stops at \(limit)")
        }
        if let line = stopped({ $0 }, stopAfter, "the fleet") { return line }
        for wave in waves {
            let names = Set(wave.clusters.map(\.name))
            if let line = stopped({ $0.intersection(names) }, wave.stopAfter, "the wave '\(wave.name)'") { return line }
        }
        return Line(
            isStopped: false, description: "the line goes on: \(Self.words(failed, missing)), and the fleet stops at \(stopAfter)")
    }

    private static func words(_ failed: Set<String>, _ missing: Set<String>) -> String {
        func words(_ names: Set<String>, _ one: String, _ many: String) -> String {
            let listed = names.sorted().prefix(3).joined(separator: ", ")
            return "\(names.count) \(names.count == 1 ? "cluster \(one)" : "clusters \(many)") (\(listed)\(names.count > 3 ? ", ..." : ""))"
        }
        let parts =
            (failed.isEmpty ? [] : [words(failed, "has failed", "have failed")])
            + (missing.isEmpty ? [] : [words(missing, "has no result", "have no result")])
        return parts.isEmpty ? "no cluster has failed" : parts.joined(separator: ", ")
    }
}
