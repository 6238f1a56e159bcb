import ArgumentParser
import Experiment
import Fleet
import Foundation
import JSON
import Journal
import Run

struct FleetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Run experiments on many clusters, by an engine that you already have.",
        subcommands: [FleetRenderCommand.self, FleetShardCommand.self, FleetGateCommand.self],
        defaultSubcommand: FleetRenderCommand.self)
}

struct FleetRenderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "render",
        abstract: "Check a fleet file, and print it for an engine: Jobs, an Argo Workflow, or a matrix of GitHub or GitLab.",
        discussion: """
            Without --to, it prints the waves and their clusters. The fleet file is checked as experiments are: every error with
            file:line:column, the line, and a correction. It also checks every experiment file that the fleet names.

              job      an Indexed Job for each wave (Kubernetes 1.31 and later); all but the first are suspended
              jobs     a Job for each cluster (every Kubernetes)
              argo     an Argo Workflow
              github   a workflow with a matrix for each wave
              gitlab   a pipeline with a matrix for each wave
            """)

    @OptionGroup var file: FleetPath

    @Option(help: "The engine: job, jobs, argo, github or gitlab.")
    var to: FleetRendering.Engine?

    @OptionGroup var output: OutputOption

    func run() throws {
        let loaded = try LoadedFleet(file.path)
        guard let to else { return try printPlan(loaded.fleet) }
        let documents: [JSONValue]
        do {
            documents = try FleetRendering(loaded.fleet, path: file.path, files: loaded.files).documents(for: to)
        } catch {
            throw CommandError.usage("\(file.path): \(error)")
        }
        let isFile = to == .github || to == .gitlab
        try output.print(
            text: documents.map { try $0.yaml() }.joined(separator: "---\n"),
            json: isFile ? documents[0] : ["apiVersion": "v1", "kind": "List", "items": .array(documents)])
    }

    private func printPlan(_ fleet: Fleet) throws {
        let lines = fleet.waves.map { wave in
            let names = wave.clusters.prefix(5).map(\.name).joined(separator: ", ")
            return
                "\(wave.name): \(counted(wave.clusters.count, "cluster")), \(wave.parallel) at once, stops at \(wave.stopAfter) failed: \(names)"
                + (wave.clusters.count > 5 ? ", ...\n" : "\n")
        }
        try output.print(
            text: lines.joined(),
            json: [
                "schema": "aftershock.fleet/v1", "name": .string(fleet.name), "stopAfter": .integer(Int64(fleet.stopAfter)),
                "waves": .array(
                    fleet.waves.map { wave in
                        [
                            "name": .string(wave.name), "parallel": .integer(Int64(wave.parallel)),
                            "stopAfter": .integer(Int64(wave.stopAfter)),
                            "clusters": .array(
                                wave.clusters.map {
                                    ["name": .string($0.name), "files": .array(fleet.files(of: $0).map(JSONValue.string))]
                                }),
                        ]
                    }),
            ])
    }
}

struct FleetPath: ParsableArguments {
    @Argument(help: ArgumentHelp("The fleet file.", valueName: "file"), completion: .file(extensions: ["yaml", "yml"]))
    var path: String
}

/// A valid fleet file with valid experiments.
struct LoadedFleet {
    /// The fleet, with paths of experiment files relative to the working folder; folders are replaced by their files.
    private(set) var fleet: Fleet
    private(set) var files: [FleetRendering.File] = []

    /// Reports all problems of the fleet file and of the experiments before it throws.
    init(_ path: String) throws {
        fleet = try parsed(path, by: FleetFile.parse)
        let folder = (path as NSString).deletingLastPathComponent
        var problems: [FileProblem] = []
        for index in fleet.experiments.indices {
            let paths = fleet.experiments[index].files.map { Self.path($0, in: folder) }
            fleet.experiments[index].files = ExperimentPaths.files(paths, &problems)
        }
        // The files of one cluster are one run: names must be unique there, not in the whole fleet.
        var seen: Set<[String]> = []
        var known: Set<String> = []
        for cluster in fleet.clusters {
            let own = fleet.files(of: cluster)
            guard problems.isEmpty, seen.insert(own).inserted else { continue }
            let (loaded, wrong) = ExperimentPaths.read(own)
            problems += wrong
            for file in loaded where known.insert(file.file).inserted {
                files.append(FleetRendering.File(path: file.file, text: file.text))
            }
        }
        guard problems.isEmpty else {
            standardError(problems.map(\.description).joined(separator: "\n"))
            throw ExitCode(AftershockExit.usage)
        }
    }

    /// Returns a path of a fleet file relative to the working folder.
    static func path(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : (folder as NSString).appendingPathComponent(path)
    }
}
