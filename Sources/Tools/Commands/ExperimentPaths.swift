import ArgumentParser
import Experiment
import Fault
import Files
import Foundation
import JSON
import Journal
import Kubernetes
import Run

/// The argument of `run`, `validate`, `plan` and `rbac`: files and folders.
struct ExperimentPaths: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Experiment files, folders with *.yaml files (subfolders are not searched), or - for standard input.",
            valueName: "file or folder"),
        completion: .file(extensions: ["yaml", "yml"]))
    var paths: [String]

    /// Reads and validates every file. Reports the problems of all files before it throws.
    ///
    /// - Parameter namespace: the namespace of experiments that do not name theirs.
    func load(namespace: String = "default") throws -> [ExperimentSource] {
        let (loaded, problems) = Self.read(paths, namespace: namespace)
        guard problems.isEmpty else {
            Self.report(problems)
            throw ExitCode(AftershockExit.usage)
        }
        // This comes before any child process could inherit the password.
        for experiment in loaded.flatMap(\.experiments) { experiment.target.login.hideVariable() }
        return loaded
    }

    static func report(_ problems: [FileProblem]) {
        standardError(problems.map(\.description).joined(separator: "\n"))
        GitHubActions()?.write(problems)
    }

    /// No experiment is larger, and the YAML parser would need minutes for such a file.
    private static let sizeLimit = 1 << 20

    /// Reads and validates every file.
    ///
    /// - Returns: the valid files, and the problems of the others or of all files together.
    static func read(_ paths: [String], namespace: String = "default") -> (loaded: [ExperimentSource], problems: [FileProblem]) {
        var problems: [FileProblem] = []
        var loaded: [ExperimentSource] = []
        for path in files(paths, &problems) {
            do {
                let text = try path == "-" ? standardInput() : InputFile.text(path, limit: sizeLimit)
                let experiments = try ExperimentFile.parse(
                    text, file: path, namespace: namespace, faults: FaultCatalog.standard.formats)
                loaded.append(ExperimentSource(file: path, text: text, experiments: experiments))
            } catch let error as ExperimentFileError {
                problems += error.diagnostics.map(FileProblem.init)
            } catch {
                problems.append(FileProblem(file: path, message: "cannot be read: \(words(for: error))"))
            }
        }
        let names = loaded.flatMap { file in file.experiments.map { (name: $0.name, file: file.file) } }
        for (name, group) in Dictionary(grouping: names, by: \.name).sorted(by: { $0.key < $1.key }) where group.count > 1 {
            problems.append(
                FileProblem(
                    file: group.map(\.file).joined(separator: ", "),
                    message: "the name '\(name)' is used \(group.count) times; reports could not tell them apart"))
        }
        return (loaded, problems)
    }

    private static func standardInput() throws -> String {
        guard let text = String(bytes: try InputFile.bytes(.standardInput, limit: sizeLimit), encoding: .utf8) else {
            throw CocoaError(.fileReadInapplicableStringEncoding)
        }
        return text
    }

    /// Returns the files at these paths and in folders among them.
    static func files(_ paths: [String], _ problems: inout [FileProblem]) -> [String] {
        var found: [String] = []
        for path in paths {
            guard path == "-" || FileManager.default.fileExists(atPath: path) else {
                problems.append(FileProblem(message: "\(path) does not exist"))
                continue
            }
            guard isFolder(path) else {
                found.append(path)
                continue
            }
            do {
                let inside = try FileManager.default.contentsOfDirectory(atPath: path)
                    .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
                if inside.isEmpty { problems.append(FileProblem(message: "\(path) contains no *.yaml file")) }
                found += inside.map { (path as NSString).appendingPathComponent($0) }
            } catch {
                problems.append(FileProblem(file: path, message: "cannot be read: \(words(for: error))"))
            }
        }
        return found
    }
}

/// A problem of a given file, or of all files together.
struct FileProblem: CustomStringConvertible {
    /// `nil` if the argument is not a file.
    var file: String?
    var position: SourcePosition?
    var message: String
    var hint: String?
    var description: String

    init(file: String? = nil, message: String) {
        self.file = file
        self.message = message
        description = "\(file.map { "\($0): " } ?? "")error: \(message)"
    }

    init(_ diagnostic: Diagnostic) {
        file = diagnostic.file
        position = diagnostic.position
        message = diagnostic.message
        hint = diagnostic.hint
        description = diagnostic.description
    }

    var json: JSONValue {
        [
            "file": file.map(JSONValue.string) ?? .null, "message": .string(message), "hint": hint.map(JSONValue.string) ?? .null,
            "line": position.map { .integer(Int64($0.line)) } ?? .null, "column": position.map { .integer(Int64($0.column)) } ?? .null,
        ]
    }
}
