import ArgumentParser
import Experiment
import Fault
import Foundation
import Journal
import Run

/// The files and folders that `run`, `validate`, `plan` and `rbac` take.
struct ExperimentPaths: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Experiment files, or folders with *.yaml files (subfolders are not searched).", valueName: "file or folder"),
        completion: .file(extensions: ["yaml", "yml"]))
    var paths: [String]

    /// Reads and validates every file. Everything that is wrong in any of them is said before anything is thrown.
    ///
    /// - Parameter namespace: of the experiments that do not name theirs.
    func load(namespace: String = "default") throws -> [ExperimentSource] { try Self.load(paths, namespace: namespace) }

    static func load(_ paths: [String], namespace: String = "default") throws -> [ExperimentSource] {
        var problems: [String] = []
        var loaded: [ExperimentSource] = []
        for path in try files(paths) {
            do {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                let experiments = try ExperimentFile.parse(
                    text, file: path, namespace: namespace, faults: FaultCatalog.standard.formats)
                loaded.append(ExperimentSource(file: path, text: text, experiments: experiments))
            } catch let error as ExperimentFileError {
                problems.append(error.description)
            } catch {
                problems.append("\(path): error: cannot be read: \(words(for: error))")
            }
        }
        let names = loaded.flatMap { file in file.experiments.map { (name: $0.name, file: file.file) } }
        for (name, group) in Dictionary(grouping: names, by: \.name).sorted(by: { $0.key < $1.key }) where group.count > 1 {
            let places = group.map(\.file).joined(separator: ", ")
            problems.append("\(places): error: the name '\(name)' is used \(group.count) times; reports could not tell them apart")
        }
        guard problems.isEmpty else {
            standardError(problems.joined(separator: "\n"))
            throw ExitCode(AftershockExit.usage)
        }
        // Before anything is started that could inherit it.
        for experiment in loaded.flatMap(\.experiments) { experiment.target.login.hideVariable() }
        return loaded
    }

    private static func files(_ paths: [String]) throws -> [String] {
        var found: [String] = []
        for path in paths {
            guard FileManager.default.fileExists(atPath: path) else {
                standardError("error: \(path) does not exist")
                throw ExitCode(AftershockExit.usage)
            }
            guard isFolder(path) else {
                found.append(path)
                continue
            }
            let inside = try FileManager.default.contentsOfDirectory(atPath: path)
                .filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
            guard !inside.isEmpty else {
                standardError("error: \(path) contains no *.yaml file")
                throw ExitCode(AftershockExit.usage)
            }
            found += inside.map { (path as NSString).appendingPathComponent($0) }
        }
        return found
    }
}
