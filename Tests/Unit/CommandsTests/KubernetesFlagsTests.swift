import ArgumentParser
import Kubernetes
import Testing

@testable import Commands

@Suite struct KubernetesFlagsTests {
    /// kubectl takes whole seconds too, and 0 for its default.
    @Test(
        arguments: [("0", nil), ("0s", nil), ("30", .seconds(30)), ("1m30s", .seconds(90)), ("250ms", .milliseconds(250))]
            as [(String, Duration?)])
    func aTimeoutIsWrittenAsForKubectl(_ text: String, _ timeout: Duration?) throws {
        #expect(try KubernetesFlags.parse(["--request-timeout", text]).overrides.requestTimeout == timeout)
    }

    @Test(arguments: ["-1", "1.5", "4294967296", "soon", ""]) func anotherTimeoutIsRefused(_ text: String) {
        #expect(throws: (any Error).self) { try KubernetesFlags.parse(["--request-timeout=\(text)"]) }
    }

    @Test func anEmptyValueIsNone() throws {
        let flags = ["kubeconfig", "context", "cluster", "user", "namespace", "server", "as", "certificate-authority", "tls-server-name"]
        #expect(try KubernetesFlags.parse(flags.flatMap { ["--\($0)", ""] }).overrides == KubernetesFlags.parse([]).overrides)
        #expect(try KubernetesFlags.parse(["--context", "x"]).overrides.context == "x")
    }
}
