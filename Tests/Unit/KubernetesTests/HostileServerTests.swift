import Crypto
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import Kubernetes

/// A server, or something in front of it, that answers with nonsense, with too much, or not at all.
@Suite struct HostileServerTests {
    // MARK: Exec

    private func exec(_ answer: [UInt8], deadline: Duration = .seconds(10)) async throws -> ExecResult {
        try await TestServer.run { _, peer in
            peer.send(answer)
        } body: { server in
            try await KubernetesClient(.test(port: server.port)).exec(["true"], pod: "p", deadline: deadline)
        }
    }

    @Test(arguments: [
        "Content-Length: -5", "Content-Length: 99999999999999999999", "Content-Length: x", "Content-Length: ",
    ])
    func aLengthThatIsNone(_ header: String) async throws {
        let error = try await failure { try await exec(Array("HTTP/1.1 403 Forbidden\r\n\(header)\r\n\r\nbody".utf8)) }
        #expect(error.code == .unexpectedAnswer && error.message.contains("Content-Length"), "\(error)")
    }

    @Test(arguments: ["-1", "8000000000000000f", "zz", "+5", "0x5", String(repeating: "0", count: 5000)])
    func aChunkSizeThatIsNone(_ size: String) async throws {
        let head = "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n"
        let error = try await failure { try await exec(Array("\(head)\(size)\r\nbody".utf8)) }
        #expect(error.code == .unexpectedAnswer && error.message.contains("chunks"), "\(error)")
    }

    /// A body that never comes to its end is the server's word all the same, as far as it goes.
    @Test(arguments: [
        "Content-Length: 9223372036854775807\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n", "X: y\r\n\r\n",
    ])
    func aBodyWithoutEnd(_ rest: String) async throws {
        let answer = Array("HTTP/1.1 403 Forbidden\r\n\(rest)".utf8) + Array(repeating: UInt8(ascii: "x"), count: 3 << 20)
        #expect(try await failure { try await exec(answer) }.code == .forbidden)
    }

    @Test func aHeadWithoutEnd() async throws {
        let head = Array("HTTP/1.1 403 Forbidden\r\nX: ".utf8) + Array(repeating: UInt8(ascii: "x"), count: 3 << 20)
        let error = try await failure { try await exec(head) }
        #expect(error.code == .unexpectedAnswer && error.message.contains("1 MiB"))
        let answer = [UInt8]("HTTP/1.1 ".utf8) + (0..<20).flatMap { _ in Array("99999999999999999999".utf8) } + Array("\r\n\r\n".utf8)
        #expect(try await failure { try await exec(answer) }.code == .unexpectedAnswer)
    }

    /// A break of the protocol once the command may run is no failure to start it: the outcome is unknown.
    @Test(
        arguments: [
            [0x82, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x82, 127, 0, 0, 0, 0, 0, 0x50, 0, 0], [0xF2, 1], [0x8F, 0], [0x82, 0x85, 1, 2, 3, 4], [0x80, 1, 1], [0x89, 126, 1, 0],
            [0x02, 1, 1, 0x02, 1, 1], [0x09, 0],
        ] as [[UInt8]])
    func framesThatAreNone(_ frame: [UInt8]) async throws {
        let result = try await TestServer.run { request, peer in
            let accept = WebSocket.accept(request.headers["sec-websocket-key"] ?? "")
            let head = "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: \(accept)\r\n\r\n"
            peer.send(Array(head.utf8) + [0x82, 3, 1, 104, 105] + frame)
        } body: { server in
            try await KubernetesClient(.test(port: server.port)).exec(["true"], pod: "p")
        }
        guard case .unknown(let reason) = result.outcome else { throw NoFailure() }
        #expect(result.text == "hi" && reason.contains("broke the protocol"), "\(reason)")
    }

    @Test func messagesOfEverySizeComeBack() throws {
        for size in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            var frame = WebSocket.frame(.binary, payload)
            // Unmask it, which makes a server's frame of it.
            let head = size < 126 ? 2 : size < 65_536 ? 4 : 10
            let mask = Array(frame[head..<head + 4])
            frame.removeSubrange(head..<head + 4)
            frame[1] &= 0x7F
            for index in 0..<size { frame[head + index] ^= mask[index % 4] }
            for piece in [1, 7, 200_000] where size < 1000 || piece > 1 {
                var decoder = WebSocketDecoder()
                var found: [WebSocketDecoder.Message] = []
                var rest = frame[...]
                while !rest.isEmpty {
                    decoder.append(Array(rest.prefix(piece)))
                    rest = rest.dropFirst(piece)
                    while let message = try decoder.next() { found.append(message) }
                }
                #expect(found == [.data(payload)])
            }
        }
    }

    // MARK: Requests

    @Test func anAnswerWithoutEnd() async throws {
        try await TestServer.run { _, peer in
            peer.beginStream()
            Self.flood(peer, String(repeating: "x", count: 1 << 16))
        } body: { server in
            let error = try await failure { try await KubernetesClient(.test(port: server.port)).version() }
            #expect(error.code == .unexpectedAnswer && error.message.contains("32 MiB"), "\(error)")
        }
    }

    /// Page after page, each of which says that there are more: small ones until the time is over, large ones until there is too much.
    @Test(arguments: [(0, "does not come to its end"), (8 << 20, "larger than 256 MiB")])
    func aListWithoutEnd(pad: Int, problem: String) async throws {
        let page = #"{"metadata": {"continue": "x", "pad": "\#(String(repeating: "x", count: pad))"}, "items": []}"#
        try await TestServer.run { _, peer in
            peer.answer(200, page)
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port, requestTimeout: pad == 0 ? .milliseconds(400) : .seconds(30)))
            let error = try await failure { try await client.list(ConfigMap.self) }
            #expect(error.code == .unexpectedAnswer && error.message.contains(problem), "\(error)")
        }
    }

    /// More than can be kept, of which little is wanted: what `restore --all` reads of a large cluster.
    @Test func aListOfWhichLittleIsMeant() async throws {
        let pad = String(repeating: "x", count: 24 << 20)
        let pages = 12
        try await TestServer.run { request, peer in
            let page = request.target.split(separator: "continue=").dropFirst().first.flatMap { Int($0) } ?? 1
            let next = page < pages ? #""continue": "\#(page + 1)""# : ""
            let object = #"{"metadata": {"name": "p\#(page)", "annotations": {"pad": "\#(pad)"}}}"#
            peer.answer(200, #"{"metadata": {\#(next)}, "items": [\#(object)]}"#)
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port, requestTimeout: .seconds(30)))
            let found = try await client.list(ConfigMap.self) { $0.metadata.name == "p\(pages)" }
            #expect(found.items.map(\.metadata.name) == ["p\(pages)"])
            let error = try await failure { try await client.list(ConfigMap.self) }
            #expect(error.message.contains("is larger than 256 MiB"), "\(error)")
        }
    }

    @Test func headersWithoutEnd() async throws {
        for line in ["X: \(String(repeating: "x", count: 2 << 20))\r\n", String(repeating: "X: y\r\n", count: 300_000)] {
            try await TestServer.run { _, peer in
                peer.send("HTTP/1.1 200 OK\r\n\(line)")
            } body: { server in
                let error = try await failure { try await KubernetesClient(.test(port: server.port)).version() }
                #expect(error.code == .unexpectedAnswer, "\(error)")
            }
        }
    }

    /// Sends chunk after chunk for as long as the client reads.
    private static func flood(_ peer: TestServer.Peer, _ text: String) {
        let chunk = ByteBuffer(string: "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
        peer.channel.writeAndFlush(chunk).whenSuccess { flood(peer, text) }
    }

    // MARK: Watches

    /// Reads a watch whose streams `answer` begins, over a server whose only object changes its version with each list, until that
    /// object has been seen in the version `last`.
    private func watch(
        until last: Int, quiet: Duration = .milliseconds(200), _ answer: @escaping @Sendable (TestServer.Peer) -> Void
    ) async throws -> [String] {
        let lists = Mutex(10)
        return try await TestServer.run { request, peer in
            if request.target.contains("watch=true") { return answer(peer) }
            let version = lists.withLock {
                $0 += 1
                return $0
            }
            peer.answer(
                200,
                #"{"metadata": {"resourceVersion": "\#(version)"}, "items": [{"metadata": {"name": "a", "uid": "a", "resourceVersion": "\#(version)"}}]}"#
            )
        } body: { server in
            var events: [String] = []
            var sequence = try KubernetesClient(.test(port: server.port)).watch(ConfigMap.self)
            sequence.quiet = quiet
            for try await event in sequence {
                switch event.change {
                case .added(let map), .modified(let map):
                    events.append("a \(map.metadata.resourceVersion ?? "")")
                    if map.metadata.name == "a", Int(map.metadata.resourceVersion ?? "") == last { return events }
                case .deleted: events.append("deleted")
                case .synced: events.append("synced")
                case .blind: events.append("blind")
                case .sighted: events.append("sighted")
                }
            }
            return events
        }
    }

    @Test func aWatchThatOpensAndSaysNothing() async throws {
        let events = try await watch(until: 14) { $0.beginStream() }
        #expect(events.prefix(6) == ["a 11", "synced", "a 12", "blind", "a 13", "synced"], "\(events)")
        #expect(events.contains("sighted"))
    }

    @Test func aWatchThatIsNotAnswered() async throws {
        let events = try await watch(until: 13) { _ in }
        #expect(events == ["a 11", "synced", "blind", "a 12", "synced", "sighted", "blind", "a 13"], "\(events)")
    }

    @Test func aWatchOfGarbage() async throws {
        let events = try await watch(until: 13) { peer in
            peer.beginStream()
            peer.chunk("<html>\n")
        }
        #expect(events == ["a 11", "synced", "blind", "a 12", "synced", "sighted", "blind", "a 13"], "\(events)")
    }

    /// Byte by byte, and never a whole line.
    @Test func aWatchThatDrips() async throws {
        let events = try await watch(until: 14) { peer in
            peer.beginStream()
            peer.channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { task in
                guard peer.channel.isActive else { return task.cancel() }
                peer.chunk("{")
            }
        }
        #expect(events.prefix(4) == ["a 11", "synced", "a 12", "blind"], "\(events)")
    }

    @Test func aLineWithoutEnd() async throws {
        let events = try await watch(until: 13) { peer in
            peer.beginStream()
            Self.flood(peer, String(repeating: "x", count: 1 << 20))
        }
        // A list can come before the limit does.
        #expect(events.contains("blind") && events.last == "a 13", "\(events)")
    }

    /// One object after the other that does not exist. They are told, and forgotten with the next list.
    @Test func aFloodOfObjects() async throws {
        let pad = String(repeating: "x", count: 1 << 16)
        let events = try await watch(until: 12, quiet: .seconds(60)) { peer in
            peer.beginStream()
            let number = Mutex(1000)
            @Sendable func next() {
                let version = number.withLock {
                    $0 += 1
                    return $0
                }
                let object =
                    #"{"metadata": {"name": "x", "uid": "\#(version)", "resourceVersion": "\#(version)"}, "data": {"pad": "\#(pad)"}}"#
                let line = #"{"type": "ADDED", "object": \#(object)}"# + "\n"
                peer.channel.writeAndFlush(ByteBuffer(string: "\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n")).whenSuccess {
                    next()
                }
            }
            next()
        }
        let told = events.filter { $0.hasPrefix("a 1") && $0.count > 4 }.count
        #expect(told > 200 && told < 300, "\(told)")
        #expect(events.filter { $0 == "deleted" }.count == told)
    }
}
