import Secrets
import Testing

@testable import Kubernetes

@Suite struct HTTPReceiverTests {
    /// The secrets are the whole process's, so that no value here is a word of another test.
    @Test(arguments: [
        ("X-Scope-OrgID", "4711", false), ("x-dataset", "nightly-sql", false), ("Authorization", "Bearer h8k2", true),
        ("x-api-key", "h8k3", true), ("DD-API-KEY", "h8k4", true), ("x-honeycomb-team", "abcdefghij0123456789h8k5", true),
    ])
    func onlyAHeaderWithACredentialIsMasked(_ name: String, _ value: String, _ isSecret: Bool) throws {
        _ = try HTTPReceiver("http://127.0.0.1:1", origin: "test", headers: [name: value], environment: [:])
        let text = "was \(value.split(separator: " ").last ?? "") here"
        #expect(text.withoutSecrets == (isSecret ? "was *** here" : text))
    }

    @Test func aHeaderIsOneLine() {
        #expect(throws: HTTPReceiverError.self) {
            try HTTPReceiver("http://127.0.0.1:1", origin: "test", headers: ["a": "b\r\nX: y"], environment: [:])
        }
    }
}
