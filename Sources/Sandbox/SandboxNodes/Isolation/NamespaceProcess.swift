import Foundation
import SandboxStore
import Subprocess
import Synchronization
import SystemPackage

/// The end of a process.
struct ProcessExit: Sendable, Hashable {
    let code: Int32
    let signal: Int32?

    /// The code that container runtimes report: 128 + the signal for a process that one ended.
    var containerCode: Int32 { signal.map { 128 + $0 } ?? code }

    init(_ status: TerminationStatus) {
        switch status {
        case .exited(let code):
            self.code = code
            signal = nil
        case .signaled(let signal):
            code = 128 + signal
            self.signal = signal
        }
    }
}

extension PlatformOptions {
    /// Ctrl-C in the terminal is for the harness, which then stops its pods in order.
    static var ownSession: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }
}

/// A chain of programs (`nsenter`, `unshare`, `sh`, ...) whose last one is the init of new namespaces. It is ready once it has written
/// ``marker``, and then waits for a line on its standard input, so that it is known before it can end. The outermost program lives as long
/// as the innermost and ends as it did.
final class NamespaceProcess: Sendable {
    /// The line that a set-up script writes when it is done.
    static let marker = "\u{1}ready\n"

    /// The process that leads the namespaces, in the host's numbering.
    let initPID: pid_t
    private let chainPID: pid_t
    private let input: AsyncStream<Void>.Continuation
    private let task: Task<ProcessExit, any Error>

    private init(initPID: pid_t, chainPID: pid_t, input: AsyncStream<Void>.Continuation, task: Task<ProcessExit, any Error>) {
        self.initPID = initPID
        self.chainPID = chainPID
        self.input = input
        self.task = task
    }

    /// - Parameters:
    ///   - arguments: The chain. Secrets belong into the environment.
    ///   - depth: How many generations below the outermost program the init is.
    ///   - onOutput: Gets everything written after the marker, in order; a long wait in it holds the program up.
    static func start(
        _ arguments: [String], environment: [String: String] = [:], depth: Int,
        onOutput: @escaping @Sendable ([UInt8]) -> Void = { _ in }
    ) async throws(IsolationError) -> NamespaceProcess {
        guard let program = arguments.first else { throw IsolationError(.startFailed, "no program") }
        let (ready, readiness) = AsyncStream.makeStream(of: Result<pid_t, IsolationError>.self)
        let (inputs, go) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let environment = environment.isEmpty ? ["PATH": HostTools.standardPath] : environment
        let task = Task {
            defer { readiness.finish() }
            return try await Self.run(program, Array(arguments.dropFirst()), environment, inputs, readiness, onOutput)
        }
        for await outcome in ready {
            let chain: pid_t
            switch outcome {
            case .success(let pid): chain = pid
            case .failure(let error): throw error
            }
            guard let initPID = ProcessTree.descendant(of: chain, generations: depth) else {
                task.cancel()
                throw IsolationError(.gone, "\(program) was ended while it started")
            }
            go.yield()
            return NamespaceProcess(initPID: initPID, chainPID: chain, input: go, task: task)
        }
        if Task.isCancelled {
            // The wait is over, and the process may just have begun: it would go on waiting for its first line of input.
            go.finish()
            task.cancel()
        }
        do {
            _ = try await task.value
            throw IsolationError(.startFailed, "\(program) ended before it was ready")
        } catch let error as IsolationError {
            throw error
        } catch {
            throw IsolationError(.startFailed, "cannot start \(program): \(error)")
        }
    }

    /// Waits for the end; does not cause it.
    var exit: ProcessExit {
        get async {
            // The chain is only ever cancelled by `kill`, whose outcome is a status as well.
            (try? await task.value) ?? ProcessExit(.signaled(SIGKILL))
        }
    }

    /// Closes the standard input: the inits of machines and nodes end at its end.
    func closeInput() { input.finish() }

    /// Signals the init. The kernel withholds from it every signal it has no handler for, except SIGKILL and SIGSTOP from out here.
    func signal(_ signal: Int32) { _ = Glibc.kill(initPID, signal) }

    /// Ends the init, and with it everything in its namespaces and the chain.
    func kill() { signal(SIGKILL) }

    /// For an init that leads no PID namespace: ends everything that stayed in its process group.
    func killGroup() { _ = Glibc.kill(-chainPID, SIGKILL) }

    private static func run(
        _ program: String, _ arguments: [String], _ environment: [String: String],
        _ inputs: AsyncStream<Void>, _ readiness: AsyncStream<Result<pid_t, IsolationError>>.Continuation,
        _ onOutput: @Sendable ([UInt8]) -> Void
    ) async throws -> ProcessExit {
        var variables: [Environment.Key: String] = [:]
        for (name, value) in environment { variables[Environment.Key(rawValue: name) ?? "PATH"] = value }
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), environment: .custom(variables), workingDirectory: "/",
            platformOptions: .ownSession, input: .inputWriter, output: .sequence, error: .combinedWithOutput
        ) { execution in
            let writer = execution.standardInputWriter
            let pid = execution.processIdentifier.value
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in inputs { _ = try await writer.write("\n") }
                    try await writer.finish()
                }
                var preamble: [UInt8]? = []
                for try await buffer in execution.standardOutput {
                    var bytes = buffer.withUnsafeBytes { Array($0) }
                    if var earlier = preamble {
                        earlier += bytes
                        guard let rest = split(earlier, after: Array(marker.utf8)) else {
                            preamble = earlier
                            continue
                        }
                        preamble = nil
                        bytes = rest
                        readiness.yield(.success(pid))
                    }
                    if !bytes.isEmpty { onOutput(bytes) }
                }
                group.cancelAll()
                return preamble
            }
        }
        if let preamble = result.closureResult {
            let words = String(decoding: preamble, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            readiness.yield(.failure(IsolationError(.startFailed, words.isEmpty ? "\(program): \(result.terminationStatus)" : words)))
        }
        return ProcessExit(result.terminationStatus)
    }

    private static func split(_ bytes: [UInt8], after marker: [UInt8]) -> [UInt8]? {
        guard bytes.count >= marker.count else { return nil }
        for start in 0...(bytes.count - marker.count) where Array(bytes[start..<start + marker.count]) == marker {
            return Array(bytes[..<start]) + Array(bytes[(start + marker.count)...])
        }
        return nil
    }
}
