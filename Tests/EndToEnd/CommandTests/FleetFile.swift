import Checkout
import Foundation

/// The file of a fleet for a test.
enum FleetFile {
    /// Writes `folder`/fleet.yaml, with an experiment of the library.
    ///
    /// - Parameter spec: the other lines of the spec.
    /// - Returns: the path of the file.
    static func write(in folder: URL, _ spec: String...) throws -> String {
        let file = folder.appendingPathComponent("fleet.yaml")
        let experiment = Checkout.root.appendingPathComponent("experiments/pod-delete.yaml").path
        let lines =
            ["apiVersion: aftershock/v1", "kind: Fleet", "metadata: {name: f}", "spec:", "  experiments: [{files: [\(experiment)]}]"]
            + spec.map { "  \($0)" }
        try Data(lines.joined(separator: "\n").utf8).write(to: file)
        return file.path
    }
}
