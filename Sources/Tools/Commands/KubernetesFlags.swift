import ArgumentParser
import Experiment
import Foundation
import Kubernetes

/// The flags that choose the cluster, with kubectl's names.
struct KubernetesFlags: ParsableArguments {
    @Option(help: "The kubeconfig file. Default: KUBECONFIG, then ~/.kube/config.", completion: .file())
    var kubeconfig: String?

    @Option(help: "The kubeconfig's context to use.")
    var context: String?

    @Option(help: "The kubeconfig's cluster to use.")
    var cluster: String?

    @Option(help: "The kubeconfig's user to use.")
    var user: String?

    @Option(
        name: [.customShort("n"), .long],
        help: "The namespace of experiments that do not name theirs. Default: the context's namespace, or the pod's own.")
    var namespace: String?

    @Option(name: [.customShort("s"), .long], help: "The API server's address.")
    var server: String?

    @Option(help: "The user to impersonate.")
    var `as`: String?

    @Option(help: "A group to impersonate; may be repeated.")
    var asGroup: [String] = []

    @Option(help: "The timeout of one request, for example 20s; 0 is the default.", transform: Self.timeout)
    var requestTimeout: Duration?

    @Option(help: "A PEM file with the authorities that may have signed the API server's certificate.", completion: .file())
    var certificateAuthority: String?

    @Option(help: "The name that the API server's certificate must have.")
    var tlsServerName: String?

    @Flag(help: "Do not verify the API server's certificate.")
    var insecureSkipTLSVerify = false

    /// As in kubectl, an empty value counts as none, because scripts pass variables that may not be set.
    var overrides: KubeconfigOverrides {
        func given(_ value: String?) -> String? { value == "" ? nil : value }
        return KubeconfigOverrides(
            kubeconfig: given(kubeconfig), context: given(context), cluster: given(cluster), user: given(user),
            namespace: given(namespace), server: given(server), tlsServerName: given(tlsServerName),
            certificateAuthority: given(certificateAuthority), insecureSkipTLSVerify: insecureSkipTLSVerify ? true : nil,
            as: given(self.as), asGroup: asGroup, requestTimeout: requestTimeout == .zero ? nil : requestTimeout)
    }

    /// Parses a duration, or whole seconds as in kubectl.
    @Sendable private static func timeout(_ text: String) throws -> Duration {
        if let seconds = UInt32(text) { return .seconds(Int64(seconds)) }
        return try durationArgument(text)
    }

    /// Creates a client for the cluster of the flags and the kubeconfig.
    func client() throws -> KubernetesClient {
        do {
            return try configuredClient()
        } catch {
            throw CommandError.usage("\(error)")
        }
    }

    /// Creates the client, and throws the kubeconfig's own errors.
    func configuredClient() throws -> KubernetesClient {
        let configuration = try ClusterConfiguration.load(overrides)
        for warning in configuration.warnings { standardError("warning: \(warning)") }
        return try KubernetesClient(configuration)
    }
}

/// Parses an option's GEP-2257 duration.
@Sendable func durationArgument(_ text: String) throws -> Duration {
    guard let duration = Duration(gep2257: text) else {
        throw ValidationError("'\(text)' is not a duration; write 90s, 1m30s or 250ms")
    }
    return duration
}
