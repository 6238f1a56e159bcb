import Checkout
import Foundation

/// Stand-ins of the tools that the scripts of `experiments` drive. Each writes what it is asked to the file `$ASKED`.
struct ScriptTools {
    let folder: URL

    /// - Parameter tools: the text of each one's shell script, by its name.
    static func with(_ tools: [String: String], _ body: (ScriptTools) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in tools {
            let file = folder.appendingPathComponent(name)
            try text.write(to: file, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        }
        let made = ScriptTools(folder: folder)
        try made.forget()
        try body(made)
    }

    private var log: URL { folder.appendingPathComponent("asked") }

    func forget() throws { try Data().write(to: log) }

    /// The lines that the tools were asked since the last ``forget()``.
    var asked: [String] {
        get throws { try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init) }
    }

    /// Runs a script of this repository, and returns its exit code.
    func run(_ script: String, _ arguments: [String], _ variables: [String: String] = [:]) throws -> Int32 {
        let process = Process()
        process.executableURL = Checkout.root.appendingPathComponent(script)
        process.arguments = arguments
        process.environment = ["PATH": "\(folder.path):/usr/bin:/bin", "ASKED": log.path, "HOME": folder.path].merging(variables) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
