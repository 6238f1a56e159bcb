import Foundation
import Network

/// In a pod: its ServiceAccount stands in for what the kubeconfig does not say.
extension KubeconfigResolver {
    private struct Pod {
        var server: APIServerURL
        var tokenFile: String
    }

    func inCluster(_ context: Context?) throws(KubernetesError) -> ClusterConfiguration {
        guard let pod = try pod() else { throw noServer(context) }
        var trust = ClusterConfiguration.Trust()
        trust.authority = try authority(path: "\(surroundings.serviceAccountFolder)/ca.crt", field: "the ServiceAccount's CA")
        return ClusterConfiguration(
            server: pod.server, context: context?.name, namespace: try namespace(context) ?? "default",
            requestTimeout: overrides.requestTimeout, trust: trust,
            proxy: try Proxy(to: pod.server, environment: surroundings.environment),
            authentication: .init(token: overrides.token, tokenFile: overrides.token == nil ? pod.tokenFile : nil),
            impersonation: try impersonation(nil))
    }

    /// The flag's namespace, then the context's, then, in a pod, the pod's own.
    func namespace(_ context: Context?) throws(KubernetesError) -> String? {
        if let namespace = overrides.namespace { return namespace }
        if let namespace = context?.entry.value.namespace, !namespace.isEmpty { return namespace }
        guard try pod() != nil else { return nil }
        if let namespace = surroundings.environment["POD_NAMESPACE"], !namespace.isEmpty { return namespace }
        let file = "\(surroundings.serviceAccountFolder)/namespace"
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        let bytes = try ClusterConfiguration.readBytes(file, for: "the ServiceAccount's namespace", hint: "Check the pod's volumes.")
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? nil : text
    }

    private func pod() throws(KubernetesError) -> Pod? {
        let environment = surroundings.environment
        let tokenFile = "\(surroundings.serviceAccountFolder)/token"
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"].flatMap({ UInt16($0) }), FileManager.default.fileExists(atPath: tokenFile)
        else { return nil }
        let address = "https://\(HostPort.text(host, Int(port)))"
        return Pod(server: try APIServerURL(address, origin: "KUBERNETES_SERVICE_HOST"), tokenFile: tokenFile)
    }
}
