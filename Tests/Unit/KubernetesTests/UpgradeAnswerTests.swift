import Testing

@testable import Kubernetes

@Suite struct UpgradeAnswerTests {
    /// The event, however the answer is cut into pieces.
    private func event(_ text: String, piece: Int) -> UpgradeAnswer.Event? {
        var answer = UpgradeAnswer()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            if let event = answer.append(Array(rest.prefix(piece))) { return event }
            rest = rest.dropFirst(piece)
        }
        return nil
    }

    @Test(arguments: [1, 7, 1000])
    func refusals(_ piece: Int) {
        let sized = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-A:  b \r\n\r\nbody"
        #expect(
            event(sized, piece: piece)
                == .refused(.init(status: 404, headers: ["content-length": "4", "x-a": "b"], body: Array("body".utf8))))
        let chunked = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\n\r\n"
        guard case .refused(let refusal) = event(chunked, piece: piece) else {
            Issue.record("no refusal")
            return
        }
        #expect(refusal.status == 403 && refusal.body == Array("body".utf8))
    }

    @Test func theRestBehindA101IsTheWebSockets() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}"
        #expect(event(text, piece: 1000) == .upgraded(headers: ["upgrade": "websocket"], rest: [1, 2]))
        #expect(event(text, piece: 1) == .upgraded(headers: ["upgrade": "websocket"], rest: []))
    }

    @Test func answersThatEndEarly() {
        var answer = UpgradeAnswer()
        #expect(answer.ended() == nil)
        #expect(answer.append(Array("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\nwhy".utf8)) == nil)
        #expect(answer.ended() == ExecRefusal(status: 403, headers: ["connection": "close"], body: Array("why".utf8)))
        var half = UpgradeAnswer()
        #expect(half.append(Array("HTTP/1.1 403".utf8)) == nil)
        #expect(half.ended() == nil)
    }

    @Test func garbage() {
        #expect(event("SSH-2.0-OpenSSH\r\n\r\n", piece: 100) == .garbage("the answer is not HTTP"))
        var answer = UpgradeAnswer()
        #expect(answer.append(Array(repeating: 65, count: 2 << 20)) == .garbage("the head of the answer is larger than 1 MiB"))
    }

    /// Work that grows with the square of the pieces takes longer than the time limit.
    @Test(.timeLimit(.minutes(1)), arguments: ["Content-Length: 1048576", "X: y"])
    func aLongBodyInTheSmallestPieces(header: String) {
        var answer = UpgradeAnswer()
        #expect(answer.append(Array("HTTP/1.1 403 Forbidden\r\n\(header)\r\n\r\n".utf8)) == nil)
        var pieces = 0
        var event: UpgradeAnswer.Event?
        while event == nil, pieces < 2 << 20 {
            event = answer.append([0x78])
            pieces += 1
        }
        #expect(pieces == 1 << 20)
        guard case .refused(let refusal)? = event else {
            Issue.record("no refusal")
            return
        }
        #expect(refusal.body.count == 1 << 20)
    }

    @Test(.timeLimit(.minutes(1))) func aLongMessageInTheSmallestFragments() throws {
        var decoder = WebSocketDecoder()
        let fragment: [UInt8] = [0x00, 16] + Array(repeating: 0x78, count: 16)
        let count = WebSocketDecoder.messageLimit / 16 - 1
        decoder.append([0x02, 0])
        for _ in 0..<count {
            decoder.append(fragment)
            #expect(try decoder.next() == nil)
        }
        decoder.append([0x80, 0])
        guard case .data(let message)? = try decoder.next() else {
            Issue.record("no message")
            return
        }
        #expect(message.count == count * 16)
        decoder.append([0x02, 0])
        for _ in 0...count { decoder.append(fragment) }
        #expect(try decoder.next() == nil)
        decoder.append(fragment)
        #expect(throws: WebSocketDecoder.Violation(problem: "a message is larger than 4 MiB")) { try decoder.next() }
    }
}
