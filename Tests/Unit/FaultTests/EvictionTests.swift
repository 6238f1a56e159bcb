import Foundation
import Kubernetes
import Testing

@testable import Fault

@Suite struct EvictionTests {
    /// The API server's answer, in a namespace that is being deleted, to the eviction of a pod.
    @Test func aPodThatGoesWithItsNamespaceNeedsNoEviction() throws {
        let answer = """
            {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "details": {"name": "a", "kind": "pods", "causes":
            [{"reason": "NamespaceTerminating", "message": "namespace x is being terminated", "field": "metadata.namespace"}]}}
            """
        let status = try JSONDecoder().decode(Status.self, from: Data(answer.utf8))
        #expect(Eviction.end(by: KubernetesError(.forbidden, "forbidden", status: status)) == "goes with its namespace")
    }

    @Test func aPodThatIsNotThereNeedsNone() {
        #expect(Eviction.end(by: KubernetesError(.notFound, "")) == "is gone already")
        #expect(Eviction.end(by: KubernetesError(.conflict, "")) == "is another one by now")
    }

    @Test(arguments: [KubernetesError.Code.forbidden, .tooManyRequests, .serverError])
    func anyOtherRefusalIsOne(code: KubernetesError.Code) {
        #expect(Eviction.end(by: KubernetesError(code, "")) == nil)
    }
}
