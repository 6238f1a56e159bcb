import ArgumentParser
import Experiment
import Fault
import Foundation
import JSON
import Journal

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a first experiment, and the JSON Schema that editors use.",
        discussion: "Never overwrites a file. Edit spec.target, then run: aftershock validate FOLDER, and aftershock plan FOLDER.")

    @Argument(help: ArgumentHelp("The folder to write to.", valueName: "folder"), completion: .directory)
    var folder = "experiments"

    func run() throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        try write(Self.example, to: "pod-delete.yaml")
        try write(
            String(decoding: try ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats).data(pretty: true), as: UTF8.self) + "\n",
            to: "experiment.schema.json")
    }

    private func write(_ text: String, to name: String) throws {
        let path = (folder as NSString).appendingPathComponent(name)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CommandError.usage("\(path) exists already; nothing was overwritten")
        }
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        standardOutput(path)
    }

    static let example = """
        # yaml-language-server: $schema=./experiment.schema.json
        apiVersion: aftershock/v1
        kind: Experiment
        metadata:
          name: pod-delete
          description: The pod is deleted with its own grace period.
        spec:
          target:
            namespace: default
            workload: deployment/mssql          # or statefulset/NAME
            service: mssql                      # its stable address is what is probed
            login: {user: sa, passwordFrom: {secret: mssql, key: MSSQL_SA_PASSWORD}}
            encryption: {mode: required, trustServerCertificate: true}
          fault: {podDelete: {}}
          repeat: 5                             # so often that compare can tell one run from another
          expect:
            downtime: {max: 60s}                # on every track, in every repeat, judged on the upper bound
            recoveredWithin: 90s
            lostWrites: 0
            node: any                           # same | different | any

        """
}
