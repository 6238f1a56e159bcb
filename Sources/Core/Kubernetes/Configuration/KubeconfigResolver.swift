import Foundation

/// Turns a merged kubeconfig and the command line's flags into one ``ClusterConfiguration``, as `clientcmd/client_config.go` does.
struct KubeconfigResolver {
    var kubeconfig: Kubeconfig
    var overrides: KubeconfigOverrides
    var surroundings: ClusterConfiguration.Surroundings

    typealias Cluster = Kubeconfig.Entry<KubeconfigFile.Cluster>
    typealias User = Kubeconfig.Entry<KubeconfigFile.User>
    typealias Context = (name: String, entry: Kubeconfig.Entry<KubeconfigFile.Context>)

    func resolve() throws(KubernetesError) -> ClusterConfiguration {
        let context = try selectedContext()
        var warnings: [String] = []
        let user = try selectedUser(context, &warnings)
        let cluster = try selectedCluster(context)
        try check(user)
        try check(cluster)
        guard let (address, origin) = address(cluster) else { return try inCluster(context) }
        let server = try APIServerURL(address, origin: origin)
        let trust = server.isTLS ? try trust(cluster) : ClusterConfiguration.Trust()
        return ClusterConfiguration(
            server: server, context: context?.name, cluster: overrides.cluster ?? context?.entry.value.cluster,
            user: overrides.user ?? context?.entry.value.user, namespace: try namespace(context) ?? "default",
            requestTimeout: overrides.requestTimeout, warnings: warnings, trust: trust, proxy: try proxy(cluster, to: server),
            // Nothing secret goes over plain HTTP.
            authentication: server.isTLS
                ? try authentication(user, cluster: cluster, server: address, trust: trust) : ClusterConfiguration.Authentication(),
            impersonation: try impersonation(user))
    }

    // MARK: Which entries

    private func selectedContext() throws(KubernetesError) -> Context? {
        guard let name = overrides.context ?? kubeconfig.currentContext?.value else {
            return kubeconfig.contexts[""].map { ("", $0) }
        }
        guard let entry = kubeconfig.contexts[name] else {
            let origin = overrides.context == nil ? "the current context '\(name)'" : "the context '\(name)'"
            throw KubernetesError(.unknownContext, "\(place): \(origin) is not defined", hint: contextChoices)
        }
        return (name, entry)
    }

    /// A cluster that is not defined is as one without a server.
    private func selectedCluster(_ context: Context?) throws(KubernetesError) -> Cluster? {
        if let name = overrides.cluster, kubeconfig.clusters[name] == nil {
            throw KubernetesError(
                .unknownCluster, "\(place): the cluster '\(name)', given by --cluster, is not defined",
                hint: Self.choices("cluster", kubeconfig.clusters.keys))
        }
        return kubeconfig.clusters[overrides.cluster ?? context?.entry.value.cluster ?? ""]
    }

    /// A user that is not defined has no credentials.
    private func selectedUser(_ context: Context?, _ warnings: inout [String]) throws(KubernetesError) -> User? {
        let name = overrides.user ?? context?.entry.value.user ?? ""
        if let user = kubeconfig.users[name] { return user }
        guard overrides.user == nil else {
            throw KubernetesError(
                .unknownUser, "\(place): the user '\(name)', given by --user, is not defined",
                hint: Self.choices("user", kubeconfig.users.keys))
        }
        if let context, !name.isEmpty {
            warnings.append(
                "\(context.entry.file): the user '\(name)' of the context '\(context.name)' is not defined: no credentials are used")
        }
        return nil
    }

    var place: String { kubeconfig.files.isEmpty ? "kubeconfig" : kubeconfig.files.joined(separator: ":") }

    private var contextChoices: String { Self.choices("context", kubeconfig.contexts.keys) }

    private static let mostChoices = 10

    private static func choices(_ kind: String, _ names: some Collection<String>) -> String {
        guard !names.isEmpty else { return "The kubeconfig defines no \(kind)." }
        let shown = names.sorted().prefix(mostChoices).joined(separator: ", ")
        let more = names.count > mostChoices ? " and \(names.count - mostChoices) more" : ""
        return "The kubeconfig's \(kind)s: \(shown)\(more)."
    }

    // MARK: The server

    private func address(_ cluster: Cluster?) -> (text: String, origin: String)? {
        if let server = overrides.server { return (server, "--server") }
        if let cluster, let server = cluster.value.server, !server.isEmpty { return (server, "\(cluster.file): server") }
        if let server = surroundings.environment["KUBERNETES_MASTER"], !server.isEmpty { return (server, "KUBERNETES_MASTER") }
        return nil
    }

    /// The error for a kubeconfig that names no server.
    func noServer(_ context: Context?) -> KubernetesError {
        if kubeconfig.isEmpty {
            let looked =
                overrides.kubeconfig ?? surroundings.environment["KUBECONFIG"].flatMap { $0.isEmpty ? nil : "KUBECONFIG=\($0)" }
                ?? "\(surroundings.home)/.kube/config"
            return KubernetesError(
                .configurationMissing, "no kubeconfig was found at \(looked), and this is not a pod",
                hint: "Give --kubeconfig, set KUBECONFIG, or run 'aftershock sandbox', which starts a cluster.")
        }
        guard let name = overrides.cluster ?? context?.entry.value.cluster else {
            return KubernetesError(
                .noCurrentContext, "\(place): no current context is set",
                hint: "Name one with --context or set it with 'kubectl config use-context'. \(contextChoices)")
        }
        guard let cluster = kubeconfig.clusters[name] else {
            return KubernetesError(
                .unknownCluster,
                "\(context?.entry.file ?? place): the cluster '\(name)' of the context '\(context?.name ?? "")' is not defined",
                hint: Self.choices("cluster", kubeconfig.clusters.keys))
        }
        return KubernetesError(
            .configurationInvalid, "\(cluster.file): the cluster '\(name)' has no server",
            hint: "Add 'server: https://host:6443' to it or give --server.")
    }

    /// The kubeconfig's proxy counts for this cluster whatever the environment says.
    private func proxy(_ cluster: Cluster?, to server: APIServerURL) throws(KubernetesError) -> Proxy? {
        if let cluster, let url = cluster.value.proxyURL, !url.isEmpty { return try Proxy(url, origin: "proxy-url of \(cluster.file)") }
        return try Proxy(to: server, environment: surroundings.environment)
    }

    private func check(_ cluster: Cluster?) throws(KubernetesError) {
        guard let cluster, overrides.certificateAuthority == nil else { return }
        try Self.onlyOne(cluster.value.certificateAuthority, cluster.value.certificateAuthorityData, "certificate-authority", cluster.file)
    }

    /// - Throws: ``KubernetesError`` where a file and its content are both given.
    static func onlyOne(_ path: String?, _ data: String?, _ field: String, _ file: String) throws(KubernetesError) {
        guard path?.isEmpty == false, data?.isEmpty == false else { return }
        throw KubernetesError(
            .configurationInvalid, "\(file): both \(field) and \(field)-data are set", hint: "Remove one of them.")
    }

    private func trust(_ cluster: Cluster?) throws(KubernetesError) -> ClusterConfiguration.Trust {
        var trust = ClusterConfiguration.Trust()
        trust.serverName = overrides.tlsServerName ?? (overrides.server == nil ? cluster?.value.tlsServerName : nil)
        if trust.serverName?.isEmpty == true { trust.serverName = nil }
        if let path = overrides.certificateAuthority {
            guard overrides.insecureSkipTLSVerify != true else { throw Self.authorityAndInsecure("the command line") }
            trust.authority = try authority(path: path, field: "--certificate-authority")
            return trust
        }
        if let insecure = overrides.insecureSkipTLSVerify, insecure {
            trust.isVerified = false
            return trust
        }
        guard let cluster else { return trust }
        let value = cluster.value
        if let text = value.certificateAuthorityData, !text.isEmpty {
            trust.authority = try inline(text, "certificate-authority-data", cluster.file)
        } else if let path = value.certificateAuthority, !path.isEmpty {
            trust.authority = try authority(path: cluster.resolve(path), field: "certificate-authority of \(cluster.file)")
        }
        if value.insecureSkipTLSVerify == true, overrides.insecureSkipTLSVerify == nil {
            guard trust.authority == nil else { throw Self.authorityAndInsecure(cluster.file) }
            trust.isVerified = false
        }
        try trust.authority?.checkCertificates()
        return trust
    }

    private static func authorityAndInsecure(_ place: String) -> KubernetesError {
        KubernetesError(
            .configurationInvalid, "\(place): a certificate authority together with insecure-skip-tls-verify",
            hint: "Keep the certificate authority and remove insecure-skip-tls-verify.")
    }

    func authority(path: String, field: String) throws(KubernetesError) -> PEM {
        let pem = PEM(
            bytes: try ClusterConfiguration.readBytes(path, for: field, hint: "Check the path of the certificate authority."),
            origin: path)
        try pem.checkCertificates()
        return pem
    }

    func inline(_ text: String, _ field: String, _ file: String) throws(KubernetesError) -> PEM {
        let joined = text.filter { !$0.isNewline }
        guard let data = Data(base64Encoded: joined), !data.isEmpty else {
            throw KubernetesError(
                .certificateUnreadable, "\(file): \(field) is not base64", hint: "It holds a PEM text in base64, on one line.")
        }
        return PEM(bytes: [UInt8](data), origin: "\(field) of \(file)")
    }
}
