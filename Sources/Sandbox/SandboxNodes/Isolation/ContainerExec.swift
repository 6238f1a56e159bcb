import Foundation
import NIOCore
import SandboxStore
import Subprocess
import Synchronization
import SystemPackage

/// A program run inside a container, with its streams.
final class ContainerExec: ExecSession {
    let output: any AsyncSequence<ExecOutput, any Error> & Sendable
    private let channel: BoundedChannel<ExecOutput>
    private let input: BoundedChannel<ByteBuffer>
    private let terminal: Terminal?
    private let task: Task<ExecExit, Never>

    init(arguments: [String], environment: [String: String], wantsInput: Bool, hasTerminal: Bool) {
        let channel = BoundedChannel<ExecOutput>(capacity: 16)
        let input = BoundedChannel<ByteBuffer>(capacity: 4)
        if !wantsInput { input.finish() }
        self.channel = channel
        self.input = input
        output = channel
        let terminal = hasTerminal ? Terminal.open() : nil
        self.terminal = terminal
        task = Task {
            defer {
                channel.finish()
                input.finish()
            }
            do {
                let status =
                    if let terminal {
                        try await Self.run(arguments, environment, terminal, input, channel)
                    } else {
                        try await Self.run(arguments, environment, input, channel)
                    }
                return .exited(code: ProcessExit(status).containerCode)
            } catch {
                return .failed("cannot run the program: \(error)")
            }
        }
    }

    func write(_ bytes: ByteBuffer) async throws { await input.send(bytes) }

    func closeInput() async { input.finish() }

    func resize(columns: Int, rows: Int) async { terminal?.resize(columns: columns, rows: rows) }

    func exit() async -> ExecExit { await task.value }

    func cancel() async {
        task.cancel()
        channel.finish()
        input.finish()
        _ = await task.value
    }

    private static func variables(_ environment: [String: String]) -> Environment {
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        return .custom(variables)
    }

    private static func run(
        _ arguments: [String], _ environment: [String: String], _ input: BoundedChannel<ByteBuffer>,
        _ channel: BoundedChannel<ExecOutput>
    ) async throws -> TerminationStatus {
        try await Subprocess.run(
            .path(FilePath(arguments[0])), arguments: Arguments(Array(arguments.dropFirst())), environment: variables(environment),
            workingDirectory: "/", platformOptions: .ownSession, input: .inputWriter, output: .sequence, error: .sequence
        ) { execution in
            let writer = execution.standardInputWriter
            let output = execution.standardOutput
            let errors = execution.standardError
            let chain = execution.processIdentifier.value
            return await withTaskCancellationHandler {
                await Self.pump(writer, output, errors, input, channel)
            } onCancel: {
                ProcessTree.killDescendants(of: chain)
            }
        }.terminationStatus
    }

    private static func pump(
        _ writer: StandardInputWriter, _ output: SubprocessOutputSequence, _ errors: SubprocessOutputSequence,
        _ input: BoundedChannel<ByteBuffer>, _ channel: BoundedChannel<ExecOutput>
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while let bytes = await input.receive() {
                    // A program that has closed its input wants no more of it.
                    guard (try? await writer.write(Array(bytes.readableBytesView))) != nil else { break }
                }
                try? await writer.finish()
            }
            await withTaskGroup(of: Void.self) { streams in
                streams.addTask {
                    do {
                        for try await buffer in output {
                            await channel.send(.stdout(ByteBuffer(bytes: buffer.withUnsafeBytes { Array($0) })))
                        }
                    } catch { channel.fail(error) }
                }
                streams.addTask {
                    do {
                        for try await buffer in errors {
                            await channel.send(.stderr(ByteBuffer(bytes: buffer.withUnsafeBytes { Array($0) })))
                        }
                    } catch { channel.fail(error) }
                }
            }
            input.finish()
        }
    }

    private static func run(
        _ arguments: [String], _ environment: [String: String], _ terminal: Terminal,
        _ input: BoundedChannel<ByteBuffer>, _ channel: BoundedChannel<ExecOutput>
    ) async throws -> TerminationStatus {
        let side = FileDescriptor(rawValue: terminal.programSide)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while let bytes = await terminal.read() { await channel.send(.stdout(ByteBuffer(bytes: bytes))) }
            }
            let feeder = Task {
                while let bytes = await input.receive() { terminal.write(Array(bytes.readableBytesView)) }
            }
            defer {
                feeder.cancel()
                terminal.closeProgramSide()
            }
            let status = try await Subprocess.run(
                .path(FilePath(arguments[0])), arguments: Arguments(Array(arguments.dropFirst())), environment: variables(environment),
                workingDirectory: "/", platformOptions: .ownSession,
                input: .fileDescriptor(side, closeAfterSpawningProcess: false),
                output: .fileDescriptor(side, closeAfterSpawningProcess: false),
                error: .fileDescriptor(side, closeAfterSpawningProcess: false)
            ).terminationStatus
            // Its last output is still in the terminal, which ends once our copy of the program's side is closed too.
            terminal.closeProgramSide()
            try await group.waitForAll()
            return status
        }
    }
}
