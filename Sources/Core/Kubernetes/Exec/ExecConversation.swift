import Foundation

/// One exec from the request for a WebSocket to the command's end: what to send, and what came of it. It does no I/O.
struct ExecConversation: Sendable {
    enum Outcome: Sendable {
        case ended(ExecResult)
        case refused(ExecRefusal)
    }

    private let key: String
    private let input: Data?
    private var answer = UpgradeAnswer()
    private var frames: WebSocketDecoder?
    private var machine: ExecStateMachine

    /// The request, to be sent first.
    let head: [UInt8]
    /// Its outcome, as soon as that is known.
    private(set) var outcome: Outcome?

    /// - Parameter lines: the request line and header lines, but for the WebSocket's own.
    init(_ lines: [String], input: Data?, outputLimit: Int) {
        key = WebSocket.randomKey()
        self.input = input
        machine = ExecStateMachine(limit: outputLimit)
        let upgrade = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Protocol: \(ExecRequest.subprotocols.joined(separator: ", "))",
        ]
        head = Array(((lines + upgrade).joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// Takes what the server sent and returns what to send to it.
    ///
    /// - Throws: ``KubernetesError`` when the bytes do not answer the request. The command has not started then.
    mutating func received(_ bytes: [UInt8]) throws(KubernetesError) -> [UInt8] {
        guard outcome == nil else { return [] }
        guard frames == nil else { return read(bytes) }
        switch answer.append(bytes) {
        case nil: return []
        case .garbage(let problem): throw KubernetesError(.unexpectedAnswer, problem)
        case .refused(let refusal):
            outcome = .refused(refusal)
            return []
        case .upgraded(let headers, let rest):
            guard headers["sec-websocket-accept"] == WebSocket.accept(key) else {
                throw KubernetesError(.unexpectedAnswer, "the server's WebSocket handshake is wrong")
            }
            frames = WebSocketDecoder()
            let version = headers["sec-websocket-protocol"] ?? ""
            let messages = input.map { ExecStateMachine.input($0, version: version) } ?? []
            return messages.flatMap { WebSocket.frame(.binary, $0) } + read(rest)
        }
    }

    /// The connection is over, for this reason. Returns `nil` when the command was not started as far as can be known.
    mutating func ended(_ reason: String) -> Outcome? {
        if outcome == nil { outcome = frames == nil ? answer.ended().map(Outcome.refused) : .ended(machine.result(endedBy: reason)) }
        return outcome
    }

    private mutating func read(_ bytes: [UInt8]) -> [UInt8] {
        frames?.append(bytes)
        var reply: [UInt8] = []
        do throws(WebSocketDecoder.Violation) {
            while outcome == nil, let message = try frames?.next() {
                switch message {
                case .data(let data):
                    guard machine.received(data) == .finish else { continue }
                    outcome = .ended(machine.result(endedBy: "ended"))
                    reply += WebSocket.frame(.close, [0x03, 0xE8])
                case .ping(let data): reply += WebSocket.frame(.pong, data)
                case .close:
                    outcome = .ended(machine.result(endedBy: "the server closed the connection without saying how the command ended"))
                }
            }
        } catch {
            outcome = .ended(machine.result(endedBy: "the server broke the protocol (\(error.problem)) before the command's end was known"))
        }
        return reply
    }
}
