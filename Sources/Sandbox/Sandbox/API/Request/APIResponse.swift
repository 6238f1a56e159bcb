import JSON
import NIOCore
import NIOHTTP1

/// An answer of the API: a whole body, or one that is written as it comes.
struct APIResponse: Sendable {
    typealias Writer = @Sendable (ByteBuffer) async throws -> Void

    enum Body: Sendable {
        case bytes(ByteBuffer)
        /// Runs until everything has been written or its task is cancelled because the client has gone.
        case stream(@Sendable (Writer) async throws -> Void)
    }

    var status: Int
    var headers: HTTPHeaders
    var body: Body

    init(status: Int, contentType: String, body: Body) {
        self.status = status
        headers = ["Content-Type": contentType, "Cache-Control": "no-cache, private"]
        self.body = body
    }

    static func json(_ value: JSONValue, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "application/json", body: .bytes(JSONLine.bytes(value)))
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
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
