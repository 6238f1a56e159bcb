import Foundation
package import JSON
import NIOCore
package import NIOHTTP1
package import SandboxAPI
package import SandboxStore
import Synchronization

/// The API without a socket.
package struct TestAPI {
    package let store: ObjectStore
    package let service: APIService

    package init(windowCapacity: Int = 1000) throws {
        store = try ObjectStore.testing(windowCapacity: windowCapacity)
        service = APIService(store: store, runtime: FakeRuntime())
    }

    package func send(
        _ method: HTTPMethod, _ uri: String, _ body: JSONValue? = nil, type: String = "application/json", accept: String? = nil,
        headers more: [(String, String)] = []
    ) async throws -> (status: Int, body: JSONValue, headers: HTTPHeaders) {
        var headers: HTTPHeaders = ["Content-Type": type]
        for (name, value) in more { headers.add(name: name, value: value) }
        if let accept { headers.add(name: "Accept", value: accept) }
        let bytes = try body.map { ByteBuffer(bytes: try $0.data()) } ?? ByteBuffer()
        let response = await service.respond(to: APIRequest(method: method, uri: uri, headers: headers, body: bytes))
        guard case .bytes(let answer) = response.body else { throw UnexpectedAnswer("the answer is a stream") }
        return (response.status, try JSONValue(parsing: Data(answer.readableBytesView)), response.headers)
    }

    /// The first lines of a streamed answer.
    package func stream(_ uri: String, lines count: Int, accept: String? = nil, then act: () async throws -> Void = {}) async throws
        -> [JSONValue]
    {
        let headers: HTTPHeaders = accept.map { ["Accept": $0] } ?? [:]
        let response = await service.respond(to: APIRequest(method: .GET, uri: uri, headers: headers))
        guard case .stream(let body) = response.body else { throw UnexpectedAnswer("the answer is no stream") }
        let (lines, line) = AsyncStream.makeStream(of: ByteBuffer.self)
        let task = Task { try await body { bytes in if bytes.readableBytes > 0 { line.yield(bytes) } } }
        try await act()
        var seen: [JSONValue] = []
        for await bytes in lines {
            seen.append(try JSONValue(parsing: Data(bytes.readableBytesView)))
            if seen.count == count { break }
        }
        task.cancel()
        _ = await task.result
        return seen
    }
}

/// An answer of another form than the test expects.
package struct UnexpectedAnswer: Error {
    package let description: String

    package init(_ description: String) { self.description = description }
}
