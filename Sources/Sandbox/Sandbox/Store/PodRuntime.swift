import JSON
import NIOCore

/// The API server's needs from the machinery that runs pods: their logs, and programs run inside of them.
///
/// Both methods throw what the API answers: 400 `container "x" in pod "y" is waiting to start: ContainerCreating`, 404, 500 for an unreachable node.
protocol PodRuntime: Sendable {
    /// A container's log, from the beginning or as the options narrow it; with `follow` it goes on until the container ends or the reader stops.
    func logs(of container: ContainerReference, _ options: LogOptions) async throws(APIError) -> any ByteSequence

    /// Starts a program inside a running container.
    func exec(in container: ContainerReference, _ request: ExecRequest) async throws(APIError) -> any ExecSession

    /// Does something to a node that Kubernetes has no verb for; returns once it is done.
    func operate(_ action: NodeAction, node: String) async throws(APIError)
}

extension PodRuntime {
    func operate(_ action: NodeAction, node: String) async throws(APIError) { throw .methodNotAllowed() }
}

typealias ByteSequence = AsyncSequence<ByteBuffer, any Error> & Sendable

/// One container of one pod; the UID keeps a successor of the same name from being mistaken for it.
struct ContainerReference: Sendable, Hashable {
    let namespace: String
    let pod: String
    let uid: String
    let nodeName: String
    let container: String
}

/// The query parameters of `pods/log`.
struct LogOptions: Sendable, Hashable {
    var follow = false
    /// The log of the container's previous instance.
    var previous = false
    /// Puts an RFC 3339 time with nanoseconds and a space before every line.
    var timestamps = false
    /// Only the last so many lines.
    var tailLines: Int?
    var sinceSeconds: Int?
    var limitBytes: Int?
}

struct ExecRequest: Sendable, Hashable {
    /// argv; no shell.
    let command: [String]
    let stdin: Bool
    let stdout: Bool
    let stderr: Bool
    /// With a terminal everything the program writes arrives as `stdout`.
    let tty: Bool
}

/// A program running inside a container.
protocol ExecSession: Sendable {
    /// The program's output; ends when both streams are closed. One reader.
    var output: any AsyncSequence<ExecOutput, any Error> & Sendable { get }
    /// Writes to the program's standard input, waiting while its pipe is full.
    func write(_ bytes: ByteBuffer) async throws
    func closeInput() async
    func resize(columns: Int, rows: Int) async
    /// Waits for the program to end.
    func exit() async -> ExecExit
    /// Ends the program when the client has gone; does nothing after its end.
    func cancel() async
}

enum ExecOutput: Sendable, Equatable {
    case stdout(ByteBuffer)
    case stderr(ByteBuffer)
}

enum ExecExit: Sendable, Equatable {
    case exited(code: Int32)
    /// It could not be started or its container went away; the message is for the user.
    case failed(String)
}
