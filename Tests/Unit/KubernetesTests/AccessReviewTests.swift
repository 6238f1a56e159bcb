import Foundation
import Testing

@testable import Kubernetes

@Suite struct AccessReviewTests {
    /// As Kubernetes 1.20.2 answers it: the core group's empty name is left out of the echoed request.
    @Test func theAnswerIsReadWithoutTheEchoOfTheRequest() throws {
        let answer = """
            {"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{"creationTimestamp":null},
             "spec":{"resourceAttributes":{"namespace":"sql","verb":"get","resource":"pods"}},
             "status":{"allowed":true,"reason":"RBAC: allowed"}}
            """
        #expect(try JSONDecoder().decode(SelfSubjectAccessReview.self, from: Data(answer.utf8)).status?.allowed == true)
    }
}
