import Foundation
import NIOCore
import Synchronization
import Testing

@testable import Kubernetes

@Suite struct WatchTests {
    private func object(_ name: String, _ version: Int, uid: String? = nil, pad: Int = 0) -> String {
        #"{"metadata": {"name": "\#(name)", "uid": "\#(uid ?? name)", "resourceVersion": "\#(version)"}, "data": {"pad": "\#(String(repeating: "x", count: pad))"}}"#
    }

    private func event(_ type: String, _ name: String, _ version: Int, pad: Int = 0) -> String {
        #"{"type": "\#(type)", "object": \#(object(name, version, pad: pad))}"# + "\n"
    }

    private func list(_ version: Int, _ names: [String] = []) -> String {
        #"{"metadata": {"resourceVersion": "\#(version)"}, "items": [\#(names.map { object($0, version) }.joined(separator: ","))]}"#
    }

    private func told(_ event: WatchEvent<ConfigMap>) -> String {
        switch event.change {
        case .added(let map): "added \(map.metadata.name)"
        case .modified(let map): "modified \(map.metadata.name)"
        case .deleted(let map): "deleted \(map.metadata.name)"
        case .synced(let version): "synced \(version)"
        case .blind: "blind"
        case .sighted: "sighted"
        }
    }

    private func read(_ client: KubernetesClient, until last: String) async throws -> [String] {
        var events: [String] = []
        for try await event in client.watch(ConfigMap.self) {
            events.append(told(event))
            if events.last == last { break }
        }
        return events
    }

    @Test func eventsInAnyPieces() async throws {
        let stream = event("ADDED", "b", 11) + event("MODIFIED", "a", 12, pad: 2 << 20) + event("DELETED", "b", 13)
        try await TestServer.run { [list] request, peer in
            guard request.target.contains("watch=true") else { return peer.answer(200, list(10, ["a"])) }
            peer.beginStream()
            var rest = stream[...]
            var size = 1
            while !rest.isEmpty {
                peer.chunk(String(rest.prefix(size)))
                rest = rest.dropFirst(size)
                size = size % 7919 + 97
            }
        } body: { server in
            let events = try await read(KubernetesClient(.test(port: server.port)), until: "deleted b")
            #expect(events == ["added a", "synced 10", "added b", "modified a", "deleted b"])
            #expect(server.requests[1].target.contains("resourceVersion=10"))
            #expect(server.requests[1].target.contains("allowWatchBookmarks=true"))
            #expect(server.requests[1].target.contains("timeoutSeconds=300"))
        }
    }

    @Test func aStreamThatEndsIsOpenedAgainWhereItEnded() async throws {
        let watches = Mutex(0)
        try await TestServer.run { [list, event] request, peer in
            guard request.target.contains("watch=true") else { return peer.answer(200, list(10, [])) }
            let number = watches.withLock {
                $0 += 1
                return $0
            }
            peer.beginStream()
            peer.chunk(event("ADDED", "n\(number)", 10 + number, 0))
            // Half a line that is never completed is not an object.
            peer.chunk(#"{"type": "ADDED", "object"#)
            peer.endStream()
        } body: { server in
            let events = try await read(KubernetesClient(.test(port: server.port)), until: "added n3")
            #expect(events == ["synced 10", "added n1", "added n2", "added n3"])
            #expect(
                server.requests.filter { $0.target.contains("watch=true") }.prefix(3).map { $0.target.contains("resourceVersion=1") } == [
                    true, true, true,
                ])
            #expect(server.requests[2].target.contains("resourceVersion=11"))
        }
    }

    @Test func anExpiredVersionMeansANewList() async throws {
        let lists = Mutex(0)
        try await TestServer.run { [list] request, peer in
            if request.target.contains("watch=true") {
                if request.target.contains("resourceVersion=10") {
                    peer.answer(410, #"{"status": "Failure", "reason": "Expired", "code": 410}"#)
                }
                return
            }
            let isFirst = lists.withLock {
                $0 += 1
                return $0 == 1
            }
            peer.answer(200, isFirst ? list(10, ["a", "b"]) : list(20, ["b", "c"]))
        } body: { server in
            let events = try await read(KubernetesClient(.test(port: server.port)), until: "synced 20")
            #expect(events == ["added a", "added b", "synced 10", "deleted a", "modified b", "added c", "synced 20"])
        }
    }

    @Test func aServerThatGoesAwayAndComesBack() async throws {
        let handler: TestServer.Handler = { [list, event] request, peer in
            guard request.target.contains("watch=true") else { return peer.answer(200, list(10, ["a"])) }
            peer.beginStream()
            if request.target.contains("resourceVersion=10") { peer.chunk(event("MODIFIED", "a", 11, 0)) }
            if request.target.contains("resourceVersion=11") { peer.chunk(event("DELETED", "a", 12, 0)) }
        }
        let (port, iterator) = try await TestServer.run(port: TestServer.reusablePort, handler) { server in
            let client = try KubernetesClient(.test(port: server.port))
            var iterator = client.watch(ConfigMap.self).makeAsyncIterator()
            var events: [String] = []
            for _ in 0..<3 { events.append(told(try #require(try await iterator.next()))) }
            #expect(events == ["added a", "synced 10", "modified a"])
            return (server.port, iterator)
        }
        var rest = iterator
        let blind = try #require(try await rest.next())
        guard case .blind(let interval) = blind.change else { throw NoFailure() }
        #expect(interval.from <= interval.noticed && interval.until == nil)
        try await TestServer.run(port: port, handler) { _ in
            let sighted = try #require(try await rest.next())
            guard case .sighted(let whole) = sighted.change else { throw NoFailure() }
            #expect(whole.from == interval.from && (whole.until ?? whole.from) >= interval.noticed)
            #expect(told(try #require(try await rest.next())) == "deleted a")
        }
    }

    @Test func whatDoesNotPassByItselfIsThrown() async throws {
        try await TestServer.run {
            $1.answer(403, #"{"status": "Failure", "reason": "Forbidden", "message": "configmaps is forbidden", "code": 403}"#)
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port))
            let error = try await failure { try await read(client, until: "never") }
            #expect(error.code == .forbidden && error.message.contains("configmaps is forbidden"))
        }
    }

    @Test func aCancelledWatchEndsAndClosesItsConnection() async throws {
        let (opened, opening) = AsyncStream.makeStream(of: TestServer.Peer.self)
        try await TestServer.run { [list] request, peer in
            guard request.target.contains("watch=true") else { return peer.answer(200, list(10, [])) }
            peer.beginStream()
            opening.yield(peer)
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port))
            let task = Task { try await read(client, until: "never") }
            var iterator = opened.makeAsyncIterator()
            let peer = try #require(await iterator.next())
            task.cancel()
            #expect(try await failure { try await task.value }.code == .cancelled)
            try await peer.channel.closeFuture.get()
        }
    }
}
