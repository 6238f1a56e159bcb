import Yams

extension ExperimentFile {
    /// Returns the place of an experiment's key in its file, for messages. If the file does not have the key, returns the place of its
    /// closest parent.
    ///
    /// - Parameter path: the path of the key, such as `["spec", "expect", "downtime"]`.
    /// - Returns: `nil` if the text has no such experiment.
    public static func position(of path: [String], experiment name: String, in text: String) -> SourcePosition? {
        guard let parser = try? Parser(yaml: text) else { return nil }
        while let document = try? parser.nextRoot() {
            guard let own = document["metadata"]?["name"], own.string == name else { continue }
            var place = own
            var node = document
            for (depth, key) in path.enumerated() {
                guard case .mapping(let mapping) = node, let pair = mapping.first(where: { $0.key.string == key }) else { break }
                // The place of "spec" itself would not help.
                if depth > 0 { place = pair.key }
                node = pair.value
            }
            return place.mark.map { SourcePosition(line: $0.line, column: $0.column) }
        }
        return nil
    }
}
