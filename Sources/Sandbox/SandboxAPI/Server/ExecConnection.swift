import KubernetesAPI
import NIOCore
import NIOHTTP1
import NIOWebSocket
import SandboxStore

/// A request for `pods/exec` that can be served: who, what and in which protocol.
struct ExecCall: Sendable {
    let container: ContainerReference
    let request: ExecRequest
    let `protocol`: ExecProtocol

    init(_ head: HTTPRequestHead, _ service: APIService, _ user: UserIdentity) throws(APIError) {
        var request = APIRequest(method: head.method, uri: head.uri, headers: head.headers)
        request.user = user
        request = try service.authorized(request)
        guard request.path.prefix(2) == ["api", "v1"],
            let path = ResourcePath(group: "", version: "v1", request.path.dropFirst(2), in: service.store.registry),
            path.definition.type == .pods, path.subresource == "exec", let key = path.key
        else { throw APIError(404, "NotFound", "the server could not find the requested resource") }
        self.protocol = try Self.version(head.headers)
        container = try APIService.container(request.query["container"], of: try service.store.get(key))
        let command = request.query.all("command")
        guard !command.isEmpty else { throw .badRequest("you must specify at least 1 command for the container") }
        let stdout = request.query.flag("stdout")
        let stderr = request.query.flag("stderr")
        let stdin = request.query.flag("stdin")
        guard stdin || stdout || stderr else { throw .badRequest("you must specify at least 1 of stdin, stdout, stderr") }
        self.request = ExecRequest(command: command, stdin: stdin, stdout: stdout, stderr: stderr, tty: request.query.flag("tty"))
    }

    private static func version(_ headers: HTTPHeaders) throws(APIError) -> ExecProtocol {
        let offered = Set(headers[canonicalForm: "Sec-WebSocket-Protocol"].map(String.init))
        guard let chosen = ExecProtocol.allCases.first(where: { offered.contains($0.rawValue) }) else {
            throw .badRequest(
                "none of the offered WebSocket subprotocols is served: use \(ExecProtocol.v5.rawValue) or \(ExecProtocol.v4.rawValue)")
        }
        return chosen
    }
}

/// One exec over WebSocket: frames to the program's input, its output to frames.
struct ExecConnection: Sendable {
    private static let chunkSize = 32 * 1024

    let runtime: any PodRuntime
    let call: ExecCall

    private typealias Outbound = NIOAsyncChannelOutboundWriter<WebSocketFrame>

    func run(_ channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>) async throws {
        try await channel.executeThenClose { inbound, outbound in
            let session: any ExecSession
            do throws(APIError) {
                session = try await runtime.exec(in: call.container, call.request)
            } catch {
                try await send(ExecFrame.message(error), outbound)
                try await close(outbound)
                return
            }
            // The program and the client end each other's part, in either order.
            let result = await withTaskGroup(of: Result<Void, any Error>.self) { group in
                group.addTask { await self.attempt { try await self.copyOutput(of: session, outbound) } }
                group.addTask { await self.attempt { try await self.copyInput(inbound, to: session, outbound) } }
                let first = await group.next() ?? .success(())
                group.cancelAll()
                await session.cancel()
                return first
            }
            try result.get()
        }
    }

    private func attempt(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    private func copyOutput(of session: any ExecSession, _ outbound: Outbound) async throws {
        for try await output in session.output {
            switch output {
            case .stdout(let bytes):
                if call.request.stdout { try await sendInChunks(bytes, outbound) { .stdout($0) } }
            case .stderr(let bytes):
                if call.request.stderr { try await sendInChunks(bytes, outbound) { .stderr($0) } }
            }
        }
        let exit = await session.exit()
        try await send(ExecFrame.message(exit, command: call.request.command), outbound)
        try await close(outbound)
    }

    private func sendInChunks(_ bytes: ByteBuffer, _ outbound: Outbound, _ form: (ByteBuffer) -> ExecOutput) async throws {
        var rest = bytes
        while let chunk = rest.readSlice(length: min(rest.readableBytes, Self.chunkSize)), chunk.readableBytes > 0 {
            try await send(ExecFrame.message(form(chunk)), outbound)
        }
    }

    private func send(_ message: ByteBuffer, _ outbound: Outbound) async throws {
        try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: message))
    }

    private func close(_ outbound: Outbound) async throws {
        var reason = ByteBuffer()
        reason.write(webSocketErrorCode: .normalClosure)
        try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: reason))
    }

    /// Runs until the client closes or goes away.
    private func copyInput(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, to session: any ExecSession, _ outbound: Outbound
    ) async throws {
        for try await frame in inbound {
            switch frame.opcode {
            case .binary, .text:
                switch ExecFrame(frame.unmaskedData, call.protocol) {
                case .stdin(let bytes): if call.request.stdin { await write(bytes, to: session) }
                case .closeInput: await session.closeInput()
                case .resize(let columns, let rows): await session.resize(columns: columns, rows: rows)
                case .unknown: break
                }
            case .ping: try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
            case .connectionClose:
                try await outbound.write(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData))
                return
            default: break
            }
        }
    }

    private func write(_ bytes: ByteBuffer, to session: any ExecSession) async {
        do {
            try await session.write(bytes)
        } catch {
            // The program has closed its input or ended. Its output and exit still count, so the session goes on without input.
            await session.closeInput()
        }
    }
}
