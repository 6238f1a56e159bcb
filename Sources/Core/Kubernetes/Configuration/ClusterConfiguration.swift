/// Where the API server is, how to trust it and as whom to speak to it: a kubeconfig's context, resolved.
public struct ClusterConfiguration: Sendable {
    public var server: APIServerURL
    /// The context's name in the kubeconfig; `nil` in a pod or when flags alone name the server.
    public var context: String?
    public var cluster: String?
    public var user: String?
    /// The namespace that commands use when none is given.
    public var namespace: String
    public var requestTimeout: Duration?
    /// Files that were named but are missing, and the like: for the person, not fatal.
    public var warnings: [String] = []
    /// The file that was named by `--kubeconfig`, for programs that are to find the same cluster.
    public var namedKubeconfig: String?

    /// The context's name, or what stands for it where there is none.
    public var contextName: String { context ?? "in-cluster" }

    var trust: Trust
    var proxy: Proxy?
    var authentication: Authentication
    var impersonation: Impersonation

    /// The way to check the server's certificate.
    struct Trust: Sendable, Hashable {
        /// PEM; `nil` trusts what the system trusts.
        var authority: PEM?
        /// The name to send as SNI and to verify, in place of the URL's host.
        var serverName: String?
        var isVerified = true
    }

    /// The user to speak as. The exec plugin supplies the parts that are missing.
    struct Authentication: Sendable {
        var token: String?
        var tokenFile: String?
        var basic: Basic?
        var clientCertificate: ClientCertificate?
        var exec: ExecPlugin?

        struct Basic: Sendable {
            var username: String
            var password: String
        }
    }

    struct Impersonation: Sendable, Hashable {
        var user: String?
        var uid: String?
        var groups: [String] = []
        var extra: [String: [String]] = [:]
    }
}

/// A PEM text and where it is from, for messages.
struct PEM: Sendable, Hashable {
    var bytes: [UInt8]
    /// A file's path, or a field of a kubeconfig.
    var origin: String
}

/// A certificate chain with its private key.
struct ClientCertificate: Sendable, Hashable {
    var chain: PEM
    var key: PEM
}
