import ArgumentParser
import Fleet
import Foundation
import Journal
import Kubernetes
import Report

/// Sends report folders to an S3-compatible store.
struct ReportUpload: Sendable {
    private let bucket: ObjectBucket

    init(_ address: String, environment: [String: String] = ProcessInfo.processInfo.environment) throws(CommandError) {
        do {
            bucket = try ObjectBucket(address, environment: environment)
        } catch {
            throw .usage(error.description)
        }
    }

    init(_ upload: Fleet.Upload) throws(CommandError) {
        var environment = ProcessInfo.processInfo.environment
        environment[ObjectBucket.variables.region] = upload.region
        if let endpoint = upload.endpoint { environment[ObjectBucket.variables.endpoint] = endpoint }
        try self.init(upload.to, environment: environment)
    }

    /// Sends the files of a run, its journal first, because the other files can be written again from it.
    ///
    /// - Parameter name: the name of the folder below the prefix.
    /// - Returns: whether the store accepted everything.
    func send(_ folder: String, as name: String) async -> Bool {
        // An interrupted run sends its reports too: this task is not cancelled with it.
        await Task {
            do {
                let journal = RunFolder.journal
                let members = try FileManager.default.contentsOfDirectory(atPath: folder).filter { isRegular("\(folder)/\($0)") }
                for member in members.sorted(by: { ($0 == journal ? "" : $0) < ($1 == journal ? "" : $1) }) {
                    let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(member)"), options: .mappedIfSafe)
                    try await bucket.put(content, as: "\(name)/\(member)")
                }
                standardError("uploaded: \(folder) to \(bucket)")
                return true
            } catch {
                standardError(
                    "error: \(folder) could not be uploaded: \(words(for: error).oneLine)\n"
                        + "Nothing is lost; send it again with: aftershock report upload \(folder) --to \(bucket) --as \(name)")
                return false
            }
        }.value
    }

    /// Reading a pipe might have no end.
    private func isRegular(_ path: String) -> Bool {
        let file = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let kind = try? FileManager.default.attributesOfItem(atPath: file)[.type] as? FileAttributeType
        return kind == .typeRegular
    }
}

struct UploadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upload",
        abstract: "Send the report folders of runs to an S3-compatible store.",
        discussion: """
            Each file is one object below the prefix. The key, which may write there, is in AFTERSHOCK_S3_ACCESS_KEY_ID and
            AFTERSHOCK_S3_SECRET_ACCESS_KEY (and AFTERSHOCK_S3_SESSION_TOKEN), the store's address in AFTERSHOCK_S3_ENDPOINT where it is not
            AWS, the region in AFTERSHOCK_S3_REGION. A store's own client brings the folders back, for 'report merge'.
            Exit codes: 0 all was taken, 64 usage, 70 something was not taken.
            """)

    @Argument(help: ArgumentHelp("The report folders of the runs.", valueName: "folder"), completion: .directory)
    var folders: [String]

    @Option(help: ArgumentHelp("The bucket, and a prefix: s3://bucket/prefix.", valueName: "address"))
    var to: String

    @Option(help: ArgumentHelp("The name of the folder below the prefix. Default: its own name.", valueName: "name"))
    var `as`: String?

    func validate() throws {
        guard `as` == nil || folders.count == 1 else { throw ValidationError("--as names one folder") }
    }

    func run() async throws {
        let upload = try ReportUpload(to)
        for folder in folders where !FileManager.default.fileExists(atPath: RunFolder.journal(in: folder)) {
            throw CommandError.unusable("\(folder) has no journal.ndjson: it is not the report folder of a run")
        }
        var isWhole = true
        for folder in folders {
            let name = `as` ?? URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
            isWhole = await upload.send(folder, as: name) && isWhole
        }
        guard isWhole else { throw ExitCode(AftershockExit.internal) }
    }
}
