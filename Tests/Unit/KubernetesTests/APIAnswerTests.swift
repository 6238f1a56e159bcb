import Foundation
import JSON
import Testing

@testable import Kubernetes

@Suite struct APIAnswerTests {
    private func error(_ status: Int, _ body: [UInt8], _ headers: [String: String] = [:]) throws -> KubernetesError {
        APIAnswer.error(
            status: status, headers: headers, body: body, request: "GET /x", server: try APIServerURL("https://host:6443", origin: ""))
    }

    @Test func recordedErrors() throws {
        let forbidden = try error(403, try Fixture.body("403-anonymous.http"))
        #expect(forbidden.code == .forbidden)
        #expect(forbidden.message.contains("system:anonymous"))
        #expect(forbidden.status?.reason == "Forbidden")
        #expect(try error(401, try Fixture.body("401.http")).code == .unauthorized)
        #expect(try error(404, try Fixture.body("404.http")).code == .notFound)
        #expect(try error(400, try Fixture.body("eviction-policyv1-on-1.20.http")).code == .badRequest)
    }

    @Test func anEvictionThatABudgetForbids() throws {
        let error = try error(429, try Fixture.body("eviction-429.http"))
        #expect(error.code == .tooManyRequests)
        #expect(error.status?.cause("DisruptionBudget")?.message?.contains("needs 1 healthy pods") == true)
        #expect(error.message.contains("The disruption budget web needs 1 healthy pods and has 1 currently"))
        #expect(error.retryAfterSeconds == nil)
    }

    @Test func retryAfterFromTheHeader() throws {
        #expect(
            try error(429, Array(#"{"status":"Failure","reason":"TooManyRequests"}"#.utf8), ["retry-after": "3"]).retryAfterSeconds == 3)
    }

    @Test func thetwoKindsOf409() throws {
        #expect(try error(409, Array(#"{"status":"Failure","reason":"AlreadyExists"}"#.utf8)).code == .alreadyExists)
        #expect(try error(409, Array(#"{"status":"Failure","reason":"Conflict"}"#.utf8)).code == .conflict)
    }

    @Test func answersOfOthersThanAnAPIServer() throws {
        let redirect = try error(302, [], ["location": "https://login.example.org/?next=secret"])
        #expect(redirect.code == .unexpectedAnswer)
        #expect(redirect.description.contains("login.example.org") && !redirect.description.contains("secret"))
        let page = try error(503, Array("<html>busy</html>".utf8), ["content-type": "text/html"])
        #expect(page.code == .serverError && !page.description.contains("html>"))
        let text = try error(502, Array("no healthy\nupstream".utf8), ["content-type": "text/plain"])
        #expect(text.description.contains("no healthy upstream"))
    }

    @Test func mutationsWhoseOutcomeIsUnknown() {
        #expect(KubernetesError(.timeout, "").isOutcomeUnknown)
        #expect(KubernetesError(.connectionLost, "").isOutcomeUnknown)
        #expect(!KubernetesError(.unreachable, "").isOutcomeUnknown)
        #expect(!KubernetesError(.conflict, "").isOutcomeUnknown)
    }

    @Test func pathsAndQueries() {
        #expect(
            KubernetesRequest.path(Deployment.self, version: "v1", namespace: "a", name: "b", subresource: "scale")
                == "/apis/apps/v1/namespaces/a/deployments/b/scale")
        #expect(KubernetesRequest.path(Node.self, version: "v1", namespace: "ignored", name: "n") == "/api/v1/nodes/n")
        #expect(KubernetesRequest.path(Pod.self, version: "v1", namespace: nil) == "/api/v1/pods")
        #expect(
            KubernetesRequest.path(Pod.self, version: "v1", namespace: "../x", name: "a/b?c") == "/api/v1/namespaces/..%2Fx/pods/a%2Fb%3Fc")
        var request = KubernetesRequest(path: "/p")
        request.query = [("labelSelector", "a=b,c in (d)"), ("x", "ü&")]
        #expect(request.target == "/p?labelSelector=a%3Db%2Cc%20in%20%28d%29&x=%C3%BC%26")
    }

    @Test func patchesAndDeleteOptions() throws {
        let patch = Patch.json([.test(path: "/a", 1), .remove(path: "/a"), .add(path: "/b/-", "x"), .replace(path: "/c", nil)])
        #expect(patch.contentType == "application/json-patch+json")
        #expect(
            String(decoding: try patch.body.data(), as: UTF8.self)
                == #"[{"op":"test","path":"/a","value":1},{"op":"remove","path":"/a"},{"op":"add","path":"/b/-","value":"x"},{"op":"replace","path":"/c","value":null}]"#
        )
        let options = DeleteOptions(gracePeriodSeconds: 0, uid: "u", dryRun: true)
        #expect(
            String(decoding: try options.body.data(), as: UTF8.self)
                == #"{"apiVersion":"v1","dryRun":["All"],"gracePeriodSeconds":0,"kind":"DeleteOptions","preconditions":{"uid":"u"}}"#)
    }
}
