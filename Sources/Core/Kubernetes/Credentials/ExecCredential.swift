import Foundation

/// The answer of an exec plugin.
struct ExecCredential: Sendable, Hashable {
    var token: String?
    var clientCertificate: ClientCertificate?
    var expiry: Date?

    private struct Answer: Decodable {
        struct Status: Decodable {
            var token: String?
            var clientCertificateData: String?
            var clientKeyData: String?
            var expirationTimestamp: KubernetesTime?
        }

        var apiVersion: String?
        var kind: String?
        var status: Status?
    }

    /// Reads a plugin's standard output. No error repeats any of it: it holds credentials.
    init(output: [UInt8], of plugin: ExecPlugin) throws(KubernetesError) {
        func bad(_ problem: String) -> KubernetesError {
            KubernetesError(
                .pluginBadOutput, "the credential plugin '\(plugin.command)' of \(plugin.file) \(problem)",
                hint: "Run it by hand with KUBERNETES_EXEC_INFO set and look at its output, or update it.")
        }
        let answer: Answer
        do {
            answer = try JSONDecoder().decode(Answer.self, from: Data(output))
        } catch {
            throw bad("printed no ExecCredential (\(output.count) bytes)")
        }
        guard answer.kind == nil || answer.kind == "ExecCredential" else { throw bad("printed an object of another kind") }
        guard answer.apiVersion == plugin.apiVersion else {
            throw bad("answered with another apiVersion than the kubeconfig's '\(plugin.apiVersion)'")
        }
        guard let status = answer.status else { throw bad("printed no status") }
        token = status.token.flatMap { $0.isEmpty ? nil : $0 }
        expiry = status.expirationTimestamp?.date
        switch (status.clientCertificateData, status.clientKeyData) {
        case (nil, nil): break
        case (let chain?, let key?):
            let certificate = ClientCertificate(
                chain: PEM(bytes: Array(chain.utf8), origin: "the certificate of plugin '\(plugin.command)'"),
                key: PEM(bytes: Array(key.utf8), origin: "the key of plugin '\(plugin.command)'"))
            try certificate.check()
            clientCertificate = certificate
        default: throw bad("gave only one of clientCertificateData and clientKeyData")
        }
        guard token != nil || clientCertificate != nil else { throw bad("gave neither a token nor a client certificate") }
    }
}
