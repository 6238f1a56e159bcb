import Yams

extension ExperimentFile {
    /// The place of a key of one experiment in its file, for messages that lead there. Where the file leaves the key out, the place of the
    /// last one on the way to it that the file has.
    ///
    /// - Parameter path: such as `["spec", "expect", "downtime"]`.
    /// - Returns: `nil` when the text has no such experiment.
    public static func position(of path: [String], experiment name: String, in text: String) -> SourcePosition? {
        guard let parser = try? Parser(yaml: text) else { return nil }
        while let document = try? parser.nextRoot() {
            guard let own = document["metadata"]?["name"], own.string == name else { continue }
            var place = own
            var node = document
            for (depth, key) in path.enumerated() {
                guard case .mapping(let mapping) = node, let pair = mapping.first(where: { $0.key.string == key }) else { break }
                // "spec" itself is the place of nothing.
                if depth > 0 { place = pair.key }
                node = pair.value
            }
            return place.mark.map { SourcePosition(line: $0.line, column: $0.column) }
        }
        return nil
    }
}
