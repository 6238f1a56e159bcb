import Foundation
import SandboxAPI
import SandboxStore

/// The kubeconfig of a sandbox: the context `aftershock-sandbox` with a client certificate, and `aftershock-sandbox-token` with a bearer token.
struct Kubeconfig: Sendable {
    let server: String
    let credentials: ClusterCredentials

    var yaml: String {
        """
        apiVersion: v1
        kind: Config
        current-context: aftershock-sandbox
        clusters:
        - name: aftershock-sandbox
          cluster:
            server: \(server)
            certificate-authority-data: \(Self.base64(credentials.authority))
        contexts:
        - name: aftershock-sandbox
          context: {cluster: aftershock-sandbox, user: sandbox-admin}
        - name: aftershock-sandbox-token
          context: {cluster: aftershock-sandbox, user: sandbox-admin-token}
        users:
        - name: sandbox-admin
          user:
            client-certificate-data: \(Self.base64(credentials.clientCertificate))
            client-key-data: \(Self.base64(credentials.clientKey))
        - name: sandbox-admin-token
          user:
            token: \(credentials.token)

        """
    }

    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

    /// Writes the file, readable by its owner alone, in one step: nobody ever sees half of it or may read it in between.
    func write(to path: String) throws {
        let temporary = "\(path).\(UUID().uuidString)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
        guard FileManager.default.createFile(atPath: temporary, contents: Data(yaml.utf8), attributes: attributes) else {
            throw SandboxError("the kubeconfig cannot be written to \(path): check that its folder exists and is writable")
        }
        guard rename(temporary, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw SandboxError("the kubeconfig cannot be written to \(path): \(reason)")
        }
    }
}
