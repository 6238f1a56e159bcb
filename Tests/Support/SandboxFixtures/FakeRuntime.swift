import NIOCore
package import SandboxStore

/// Three lines of log; and `cat`, `echo`, `exit N` and `hold` as its only programs.
package struct FakeRuntime: PodRuntime {
    package init() {}

    package func logs(of container: ContainerReference, _ options: LogOptions) async throws(APIError) -> any ByteSequence {
        if options.previous {
            throw APIError.badRequest("previous terminated container \"\(container.container)\" in pod \"\(container.pod)\" not found")
        }
        let lines = ["one", "two", "three"].suffix(options.tailLines ?? 3)
        return AsyncThrowingStream { continuation in
            for line in lines { continuation.yield(ByteBuffer(string: line + "\n")) }
            // A follower waits for more until it goes away.
            if !options.follow { continuation.finish() }
        }
    }

    package func exec(in container: ContainerReference, _ request: ExecRequest) async throws(APIError) -> any ExecSession {
        guard request.command != ["refuse"] else { throw APIError(500, "InternalError", "Internal error occurred: no such node") }
        return FakeSession(request)
    }
}

private final class FakeSession: ExecSession {
    let output: any AsyncSequence<ExecOutput, any Error> & Sendable
    private let continuation: AsyncThrowingStream<ExecOutput, any Error>.Continuation
    private let request: ExecRequest

    init(_ request: ExecRequest) {
        self.request = request
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: ExecOutput.self)
        output = stream
        self.continuation = continuation
        switch request.command.first {
        case "echo":
            continuation.yield(.stdout(ByteBuffer(string: request.command.dropFirst().joined(separator: " ") + "\n")))
            continuation.yield(.stderr(ByteBuffer(string: "to stderr\n")))
            continuation.finish()
        case "cat", "hold": break
        default: continuation.finish()
        }
    }

    func write(_ bytes: ByteBuffer) async throws { continuation.yield(.stdout(bytes)) }

    func closeInput() async { continuation.finish() }

    func resize(columns: Int, rows: Int) async { continuation.yield(.stdout(ByteBuffer(string: "\(columns)x\(rows)"))) }

    func exit() async -> ExecExit {
        guard request.command.first == "exit", let code = request.command.last.flatMap(Int32.init) else { return .exited(code: 0) }
        return .exited(code: code)
    }

    func cancel() async { continuation.finish() }
}
