import Checkout
import Foundation
import Programs

/// A kubectl of this machine: the one in `PATH`, and those that `ci/test` keeps in `.build/kubectl`.
struct KubectlProgram: Sendable {
    let path: String
    /// Of its version 1.N.
    let minor: Int

    static func all() async throws -> [KubectlProgram] {
        let kept = Checkout.root.appendingPathComponent(".build/kubectl").path
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: kept)) ?? []
        let named = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/kubectl" }
        let paths = folders.sorted().map { "\(kept)/\($0)/kubectl" } + named
        var programs: [KubectlProgram] = []
        for path in paths where FileManager.default.isExecutableFile(atPath: path) {
            let version = try await Program.runSystem(path, ["version", "--client", "-o", "json"]).output
            guard let minor = version.firstMatch(of: /"minor": "(\d+)/).flatMap({ Int($0.1) }) else { continue }
            if !programs.contains(where: { $0.minor == minor }) { programs.append(KubectlProgram(path: path, minor: minor)) }
        }
        return programs
    }
}
