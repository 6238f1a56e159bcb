package import JSON
package import NIOCore
package import NIOHTTP1
import SandboxStore

/// An answer of the API: a whole body, or one that is written as it comes.
package struct APIResponse: Sendable {
    package typealias Writer = @Sendable (ByteBuffer) async throws -> Void

    package enum Body: Sendable {
        case bytes(ByteBuffer)
        /// Runs until everything has been written or its task is cancelled because the client has gone.
        case stream(@Sendable (Writer) async throws -> Void)
    }

    package var status: Int
    package var headers: HTTPHeaders
    package var body: Body

    package init(status: Int, contentType: String, body: Body) {
        self.status = status
        headers = ["Content-Type": contentType, "Cache-Control": "no-cache, private"]
        self.body = body
    }

    package static func json(_ value: JSONValue, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "application/json", body: .bytes(JSONLine.bytes(value)))
    }

    package static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "text/plain; charset=utf-8", body: .bytes(ByteBuffer(string: text)))
    }

    static func failure(_ error: APIError) -> APIResponse {
        var response = json(error.status, status: error.code)
        if let seconds = error.retryAfterSeconds { response.headers.add(name: "Retry-After", value: String(seconds)) }
        return response
    }

    /// A `Status` object that says that all is well.
    static func success(status: Int = 200, details: JSONValue? = nil) -> APIResponse {
        var value: JSONValue = ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success"]
        if let details { value["details"] = details }
        if status != 200 { value["code"] = .integer(Int64(status)) }
        return json(value, status: status)
    }
}

/// JSON with a line's end, as the API writes every object and every watch event.
enum JSONLine {
    static func bytes(_ value: JSONValue) -> ByteBuffer {
        do {
            var buffer = ByteBuffer(bytes: try value.data())
            buffer.writeInteger(UInt8(ascii: "\n"))
            return buffer
        } catch {
            // Only a number that JSON cannot express gets here, and no JSON that was parsed holds one.
            preconditionFailure("a stored object cannot be encoded: \(error)")
        }
    }
}
