/// The command line's settings over the kubeconfig, under the names of kubectl's flags. `nil` means not given.
public struct KubeconfigOverrides: Sendable, Hashable {
    /// `--kubeconfig`: this file alone is read, and it must exist.
    public var kubeconfig: String?
    public var context: String?
    public var cluster: String?
    public var user: String?
    public var namespace: String?
    /// `--server`: also drops the file's `tls-server-name`, which belongs to another server.
    public var server: String?
    public var tlsServerName: String?
    public var certificateAuthority: String?
    public var insecureSkipTLSVerify: Bool?
    public var clientCertificate: String?
    public var clientKey: String?
    public var token: String?
    /// `--as`, `--as-uid`, `--as-group`.
    public var `as`: String?
    public var asUID: String?
    public var asGroup: [String]
    /// `--request-timeout`: the deadline of one request that is answered at once; watches and streams are not bound by it.
    public var requestTimeout: Duration?

    public init(
        kubeconfig: String? = nil, context: String? = nil, cluster: String? = nil, user: String? = nil, namespace: String? = nil,
        server: String? = nil, tlsServerName: String? = nil, certificateAuthority: String? = nil, insecureSkipTLSVerify: Bool? = nil,
        clientCertificate: String? = nil, clientKey: String? = nil, token: String? = nil, as impersonatedUser: String? = nil,
        asUID: String? = nil, asGroup: [String] = [], requestTimeout: Duration? = nil
    ) {
        self.kubeconfig = kubeconfig
        self.context = context
        self.cluster = cluster
        self.user = user
        self.namespace = namespace
        self.server = server
        self.tlsServerName = tlsServerName
        self.certificateAuthority = certificateAuthority
        self.insecureSkipTLSVerify = insecureSkipTLSVerify
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
        self.token = token
        self.as = impersonatedUser
        self.asUID = asUID
        self.asGroup = asGroup
        self.requestTimeout = requestTimeout
    }
}
