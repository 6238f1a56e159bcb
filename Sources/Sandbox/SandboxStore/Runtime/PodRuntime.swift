import JSON
package import NIOCore

/// The API server's needs from the backend that runs pods: their logs, and programs run inside of them.
///
/// Both methods throw what the API answers: 400 `container "x" in pod "y" is waiting to start: ContainerCreating`, 404, 500 for an unreachable node.
package protocol PodRuntime: Sendable {
    /// A container's log, from the beginning or as the options narrow it; with `follow` it goes on until the container ends or the reader stops.
    func logs(of container: ContainerReference, _ options: LogOptions) async throws(APIError) -> any ByteSequence

    /// Starts a program inside a running container.
    func exec(in container: ContainerReference, _ request: ExecRequest) async throws(APIError) -> any ExecSession

    /// Does something to a node that Kubernetes has no verb for; returns once it is done.
    func operate(_ action: NodeAction, node: String) async throws(APIError)
}

extension PodRuntime {
    package func operate(_ action: NodeAction, node: String) async throws(APIError) { throw .methodNotAllowed() }
}

package typealias ByteSequence = AsyncSequence<ByteBuffer, any Error> & Sendable

/// One container of one pod; the UID keeps a successor of the same name from being mistaken for it.
package struct ContainerReference: Sendable, Hashable {
    package let namespace: String
    package let pod: String
    package let uid: String
    package let nodeName: String
    package let container: String

    package init(namespace: String, pod: String, uid: String, nodeName: String, container: String) {
        self.namespace = namespace
        self.pod = pod
        self.uid = uid
        self.nodeName = nodeName
        self.container = container
    }
}

/// The query parameters of `pods/log`.
package struct LogOptions: Sendable, Hashable {
    package var follow = false
    /// The log of the container's previous instance.
    package var previous = false
    /// Puts an RFC 3339 time with nanoseconds and a space before every line.
    package var timestamps = false
    /// Only the last so many lines.
    package var tailLines: Int?
    package var sinceSeconds: Int?
    package var limitBytes: Int?

    package init(
        follow: Bool = false, previous: Bool = false, timestamps: Bool = false, tailLines: Int? = nil, sinceSeconds: Int? = nil,
        limitBytes: Int? = nil
    ) {
        self.follow = follow
        self.previous = previous
        self.timestamps = timestamps
        self.tailLines = tailLines
        self.sinceSeconds = sinceSeconds
        self.limitBytes = limitBytes
    }
}

package struct ExecRequest: Sendable, Hashable {
    /// argv; no shell.
    package let command: [String]
    package let stdin: Bool
    package let stdout: Bool
    package let stderr: Bool
    /// With a terminal everything the program writes arrives as `stdout`.
    package let tty: Bool

    package init(command: [String], stdin: Bool, stdout: Bool, stderr: Bool, tty: Bool) {
        self.command = command
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.tty = tty
    }
}

/// A program running inside a container.
package protocol ExecSession: Sendable {
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

package enum ExecOutput: Sendable, Equatable {
    case stdout(ByteBuffer)
    case stderr(ByteBuffer)
}

package enum ExecExit: Sendable, Equatable {
    case exited(code: Int32)
    /// It could not be started or its container went away; the message is for the user.
    case failed(String)
}
