import Foundation

/// Turns a merged kubeconfig and the command line's flags into one ``ClusterConfiguration``, as `clientcmd/client_config.go` does.
struct KubeconfigResolver {
    var kubeconfig: Kubeconfig
    var overrides: KubeconfigOverrides
    var surroundings: ClusterConfiguration.Surroundings

    func resolve() throws(KubernetesError) -> ClusterConfiguration {
        if kubeconfig.isEmpty, overrides.kubeconfig == nil, overrides.server == nil {
            return try inCluster()
        }
        let context = try selectedContext()
        let clusterName = overrides.cluster ?? context?.entry.value.cluster
        let userName = overrides.user ?? context?.entry.value.user
        let cluster = try clusterName.map { name throws(KubernetesError) in try self.cluster(name, of: context) }
        let user = try userName.map { name throws(KubernetesError) in try self.user(name, of: context) }
        let trust = try self.trust(cluster)
        let server = try server(cluster, name: clusterName)
        return ClusterConfiguration(
            server: server,
            context: context?.name, cluster: clusterName, user: userName,
            namespace: overrides.namespace ?? context?.entry.value.namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default",
            requestTimeout: overrides.requestTimeout,
            trust: trust,
            proxy: try proxy(cluster, to: server),
            authentication: try authentication(user, cluster: cluster, trust: trust),
            impersonation: impersonation(user?.value))
    }

    // MARK: Which entries

    private func selectedContext() throws(KubernetesError) -> (name: String, entry: Kubeconfig.Entry<KubeconfigFile.Context>)? {
        let known = kubeconfig.contexts.keys.sorted().joined(separator: ", ")
        let choices = known.isEmpty ? "The kubeconfig defines no context." : "Contexts: \(known)."
        guard let name = overrides.context ?? kubeconfig.currentContext?.value else {
            if overrides.cluster != nil || overrides.server != nil { return nil }
            throw KubernetesError(
                .noCurrentContext, "\(place): no current context is set",
                hint: "Name one with --context or set it with 'kubectl config use-context'. \(choices)")
        }
        guard let entry = kubeconfig.contexts[name] else {
            let origin = overrides.context == nil ? "the current context '\(name)'" : "the context '\(name)'"
            throw KubernetesError(.unknownContext, "\(place): \(origin) is not defined", hint: choices)
        }
        return (name, entry)
    }

    private typealias SelectedContext = (name: String, entry: Kubeconfig.Entry<KubeconfigFile.Context>)

    private func cluster(_ name: String, of context: SelectedContext?) throws(KubernetesError) -> Kubeconfig.Entry<KubeconfigFile.Cluster> {
        guard let entry = kubeconfig.clusters[name] else {
            throw unknown("cluster", name, .unknownCluster, kubeconfig.clusters.keys.sorted(), isFlag: overrides.cluster != nil, context)
        }
        return entry
    }

    private func user(_ name: String, of context: SelectedContext?) throws(KubernetesError) -> Kubeconfig.Entry<KubeconfigFile.User> {
        guard let entry = kubeconfig.users[name] else {
            throw unknown("user", name, .unknownUser, kubeconfig.users.keys.sorted(), isFlag: overrides.user != nil, context)
        }
        return entry
    }

    private func unknown(
        _ kind: String, _ name: String, _ code: KubernetesError.Code, _ known: [String], isFlag: Bool, _ context: SelectedContext?
    ) -> KubernetesError {
        let origin = isFlag ? "given by --\(kind)" : "which the context '\(context?.name ?? "")' refers to,"
        let file = isFlag ? place : context?.entry.file ?? place
        return KubernetesError(
            code, "\(file): the \(kind) '\(name)', \(origin) is not defined",
            hint: known.isEmpty ? "The kubeconfig defines no \(kind)." : "Known: \(known.joined(separator: ", ")).")
    }

    private var place: String { kubeconfig.files.isEmpty ? "kubeconfig" : kubeconfig.files.joined(separator: ":") }

    // MARK: The server

    private func server(_ cluster: Kubeconfig.Entry<KubeconfigFile.Cluster>?, name: String?) throws(KubernetesError) -> ServerAddress {
        if let server = overrides.server { return try ServerAddress(server, origin: "--server") }
        guard let cluster, let server = cluster.value.server, !server.isEmpty else {
            throw KubernetesError(
                .configurationInvalid, "\(cluster?.file ?? place): the cluster '\(name ?? "")' has no server",
                hint: "Add 'server: https://host:6443' to it or give --server.")
        }
        return try ServerAddress(server, origin: "\(cluster.file): cluster '\(name ?? "")'")
    }

    /// The kubeconfig's proxy counts for this cluster whatever the environment says.
    private func proxy(_ cluster: Kubeconfig.Entry<KubeconfigFile.Cluster>?, to server: ServerAddress) throws(KubernetesError) -> Proxy? {
        if let cluster, let url = cluster.value.proxyURL, !url.isEmpty { return try Proxy(url, origin: "proxy-url of \(cluster.file)") }
        return try Proxy(to: server, environment: surroundings.environment)
    }

    private func trust(_ cluster: Kubeconfig.Entry<KubeconfigFile.Cluster>?) throws(KubernetesError) -> ClusterConfiguration.Trust {
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

    private func authority(path: String, field: String) throws(KubernetesError) -> PEM {
        let pem = PEM(
            bytes: try ClusterConfiguration.readBytes(path, for: field, hint: "Check the path of the certificate authority."),
            origin: path)
        try pem.checkCertificates()
        return pem
    }

    private func inline(_ text: String, _ field: String, _ file: String) throws(KubernetesError) -> PEM {
        guard let data = Data(base64Encoded: text, options: .ignoreUnknownCharacters), !data.isEmpty else {
            throw KubernetesError(
                .certificateUnreadable, "\(file): \(field) is no base64", hint: "It holds a PEM text in base64, on one line.")
        }
        return PEM(bytes: [UInt8](data), origin: "\(field) of \(file)")
    }

    // MARK: The user

    private func authentication(
        _ user: Kubeconfig.Entry<KubeconfigFile.User>?, cluster: Kubeconfig.Entry<KubeconfigFile.Cluster>?,
        trust: ClusterConfiguration.Trust
    ) throws(KubernetesError) -> ClusterConfiguration.Authentication {
        var authentication = ClusterConfiguration.Authentication()
        authentication.clientCertificate = try clientCertificate(user)
        if let token = overrides.token {
            authentication.token = token
            return authentication
        }
        guard let user else { return authentication }
        let value = user.value
        authentication.token = value.token.flatMap { $0.isEmpty ? nil : $0 }
        authentication.tokenFile = value.tokenFile.flatMap { $0.isEmpty ? nil : user.resolve($0) }
        if let username = value.username, !username.isEmpty {
            authentication.basic = .init(username: username, password: value.password ?? "")
        }
        if authentication.token == nil, authentication.tokenFile == nil, authentication.basic == nil {
            if let exec = value.exec {
                authentication.exec = try ExecPlugin(
                    exec, of: user, cluster: cluster?.value, server: overrides.server ?? cluster?.value.server, trust: trust,
                    environment: surroundings.environment)
            } else if let provider = value.authProvider {
                authentication.token = try providerToken(provider, file: user.file)
            }
        }
        return authentication
    }

    private func clientCertificate(_ user: Kubeconfig.Entry<KubeconfigFile.User>?) throws(KubernetesError) -> ClientCertificate? {
        let hint = "Check the path of the client certificate or key."
        func part(
            _ flag: String?, _ flagName: String, _ data: String?, _ path: String?, _ field: String
        ) throws(KubernetesError) -> PEM? {
            if let flag { return PEM(bytes: try ClusterConfiguration.readBytes(flag, for: flagName, hint: hint), origin: flag) }
            guard let user else { return nil }
            if let data, !data.isEmpty { return try inline(data, "\(field)-data", user.file) }
            guard let path, !path.isEmpty else { return nil }
            let full = user.resolve(path)
            return PEM(bytes: try ClusterConfiguration.readBytes(full, for: "\(field) of \(user.file)", hint: hint), origin: full)
        }
        let value = user?.value
        let chain = try part(
            overrides.clientCertificate, "--client-certificate", value?.clientCertificateData, value?.clientCertificate,
            "client-certificate")
        let key = try part(overrides.clientKey, "--client-key", value?.clientKeyData, value?.clientKey, "client-key")
        switch (chain, key) {
        case (nil, nil): return nil
        case (let chain?, let key?):
            let certificate = ClientCertificate(chain: chain, key: key)
            try certificate.check()
            return certificate
        case (let chain, _):
            throw KubernetesError(
                .certificateUnreadable,
                "\(user?.file ?? "command line"): a client \(chain == nil ? "key" : "certificate") without its "
                    + (chain == nil ? "certificate" : "key"),
                hint: "Both client-certificate and client-key are needed.")
        }
    }

    /// Of the plugins that were once built into kubectl only `oidc` still means something: its token, until it expires.
    private func providerToken(_ provider: KubeconfigFile.AuthProvider, file: String) throws(KubernetesError) -> String {
        guard provider.name == "oidc", let token = provider.config?["id-token"] else {
            throw KubernetesError(
                .credentialsUnavailable, "\(file): the auth-provider '\(provider.name)' is not supported",
                hint: "Current Kubernetes has no such provider either: use its exec plugin (kubelogin, gke-gcloud-auth-plugin).")
        }
        if let expiry = JSONWebToken.expiry(of: token), expiry < Date() {
            throw KubernetesError(
                .credentialsUnavailable, "\(file): the id-token of the auth-provider 'oidc' expired at \(expiry.ISO8601Format())",
                hint: "Log in again, or use the exec plugin kubelogin, which renews it.")
        }
        return token
    }

    private func impersonation(_ user: KubeconfigFile.User?) -> ClusterConfiguration.Impersonation {
        if overrides.as != nil || overrides.asUID != nil || !overrides.asGroup.isEmpty {
            return .init(user: overrides.as, uid: overrides.asUID, groups: overrides.asGroup)
        }
        return .init(user: user?.as, uid: user?.asUID, groups: user?.asGroups ?? [], extra: user?.asUserExtra ?? [:])
    }

    // MARK: In a pod

    private func inCluster() throws(KubernetesError) -> ClusterConfiguration {
        let environment = surroundings.environment
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty, let port = environment["KUBERNETES_SERVICE_PORT"],
            let number = Int(port)
        else {
            let looked = environment["KUBECONFIG"].flatMap { $0.isEmpty ? nil : "KUBECONFIG=\($0)" } ?? "\(surroundings.home)/.kube/config"
            throw KubernetesError(
                .configurationMissing, "no kubeconfig: nothing was found at \(looked), and this is no pod",
                hint: "Give --kubeconfig, set KUBECONFIG, or run 'aftershock sandbox' for a cluster of its own.")
        }
        let folder = surroundings.serviceAccountFolder
        let tokenFile = "\(folder)/token"
        guard FileManager.default.fileExists(atPath: tokenFile) else {
            throw KubernetesError(
                .credentialsUnavailable, "\(tokenFile): there is no ServiceAccount token in this pod",
                hint: "Set automountServiceAccountToken to true for the pod, or give --kubeconfig.")
        }
        var trust = ClusterConfiguration.Trust()
        trust.authority = try authority(path: "\(folder)/ca.crt", field: "the ServiceAccount's CA")
        var namespace = overrides.namespace
        if namespace == nil, FileManager.default.fileExists(atPath: "\(folder)/namespace") {
            namespace = try ClusterConfiguration.readText("\(folder)/namespace").trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let server = try ServerAddress("https://\(ServerAddress.authority(host, number))", origin: "KUBERNETES_SERVICE_HOST")
        return ClusterConfiguration(
            server: server, namespace: namespace ?? "default", requestTimeout: overrides.requestTimeout, trust: trust,
            proxy: try Proxy(to: server, environment: environment),
            authentication: .init(token: overrides.token, tokenFile: overrides.token == nil ? tokenFile : nil),
            impersonation: impersonation(nil))
    }
}
