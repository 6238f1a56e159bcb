import Foundation
import SandboxStore
import Subprocess

/// The files that one program of the host needs inside of a container: itself, and the libraries that are not under the shared folders.
package enum ProgramFiles {
    package static func hostMounts(for program: String, at paths: [String]) async throws(IsolationError) -> [HostMount] {
        guard access(program, X_OK) == 0 else {
            throw IsolationError(.missingTool, "\(program) is no program that can be run (build it: swift build --product sandbox-sql)")
        }
        let listing: String
        do {
            let result = try await Subprocess.run(
                .name("ldd"), arguments: [program], output: .string(limit: 1 << 20), error: .discarded)
            // A static program has no libraries: ldd says so and fails.
            listing = result.standardOutput
        } catch {
            throw IsolationError(.missingTool, "cannot list the libraries of \(program): \(error)")
        }
        var folders: Set<String> = []
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let arrow = words.firstIndex(of: "=>"), words.indices.contains(arrow + 1) else { continue }
            if words[arrow + 1] == "not" {
                throw IsolationError(.startFailed, "\(program) needs \(words[0].trimmingCharacters(in: .whitespaces)), which is not found")
            }
            let folder = (String(words[arrow + 1]) as NSString).deletingLastPathComponent
            if !["/usr/", "/lib"].contains(where: folder.hasPrefix) { folders.insert(folder) }
        }
        return paths.map { HostMount(hostPath: program, path: $0) } + folders.sorted().map { HostMount(hostPath: $0, path: $0) }
    }
}
