import Foundation

extension KubeconfigResolver {
    /// - Throws: ``KubernetesError`` for what kubectl refuses, whether it is used or not.
    func check(_ user: User?) throws(KubernetesError) {
        guard let user else { return }
        let value = user.value
        func invalid(_ problem: String, _ hint: String) -> KubernetesError {
            KubernetesError(.configurationInvalid, "\(user.file): \(problem)", hint: hint)
        }
        let hasBasic = value.username?.isEmpty == false || value.password?.isEmpty == false
        let hasToken = value.token?.isEmpty == false
        let hasTokenFile = value.tokenFile?.isEmpty == false
        if hasBasic, hasToken || (hasTokenFile && value.username?.isEmpty == false) {
            throw invalid("a token together with a username or a password", "Keep one of them.")
        }
        if value.exec != nil, value.authProvider != nil {
            throw invalid("an exec plugin together with an auth-provider", "Keep the exec plugin.")
        }
        if value.clientCertificate?.isEmpty == false || value.clientCertificateData?.isEmpty == false {
            try Self.onlyOne(value.clientCertificate, value.clientCertificateData, "client-certificate", user.file)
            try Self.onlyOne(value.clientKey, value.clientKeyData, "client-key", user.file)
        }
    }

    func authentication(
        _ user: User?, cluster: Cluster?, server: String, trust: ClusterConfiguration.Trust
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
        let plugin = try value.exec.map { exec throws(KubernetesError) in
            try ExecPlugin(
                exec, of: user, cluster: cluster?.value, server: server, trust: trust, environment: surroundings.environment)
        }
        // A plugin is asked only where nothing else says who it is.
        guard authentication.token == nil, authentication.tokenFile == nil, authentication.basic == nil,
            authentication.clientCertificate == nil
        else { return authentication }
        authentication.exec = plugin
        if let provider = value.authProvider { authentication.token = try providerToken(provider, file: user.file) }
        return authentication
    }

    /// A key without its certificate is as if it were not there, as for kubectl.
    private func clientCertificate(_ user: User?) throws(KubernetesError) -> ClientCertificate? {
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
        guard
            let chain = try part(
                overrides.clientCertificate, "--client-certificate", value?.clientCertificateData, value?.clientCertificate,
                "client-certificate")
        else { return nil }
        guard let key = try part(overrides.clientKey, "--client-key", value?.clientKeyData, value?.clientKey, "client-key") else {
            throw KubernetesError(
                .certificateUnreadable, "\(user?.file ?? "command line"): a client certificate without its key",
                hint: "Both client-certificate and client-key are needed.")
        }
        let certificate = ClientCertificate(chain: chain, key: key)
        try certificate.check()
        return certificate
    }

    /// Of the plugins that were once built into kubectl only `oidc` still means something: its token, until it expires.
    private func providerToken(_ provider: KubeconfigFile.AuthProvider, file: String) throws(KubernetesError) -> String {
        guard provider.name == "oidc", let token = provider.config?["id-token"] else {
            throw KubernetesError(
                .credentialsUnavailable, "\(file): the auth-provider '\(provider.name ?? "")' is not supported",
                hint: "Current Kubernetes has no such provider either: use its exec plugin (kubelogin, gke-gcloud-auth-plugin).")
        }
        if let expiry = JSONWebToken.expiry(of: token), expiry < Date() {
            throw KubernetesError(
                .credentialsUnavailable, "\(file): the id-token of the auth-provider 'oidc' expired at \(expiry.ISO8601Format())",
                hint: "Log in again, or use the exec plugin kubelogin, which renews it.")
        }
        return token
    }

    func impersonation(_ user: User?) throws(KubernetesError) -> ClusterConfiguration.Impersonation {
        func given(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        let value = user?.value
        let impersonation = ClusterConfiguration.Impersonation(
            user: given(overrides.as) ?? given(value?.as), uid: given(overrides.asUID) ?? given(value?.asUID),
            groups: overrides.asGroup.isEmpty ? value?.asGroups ?? [] : overrides.asGroup, extra: value?.asUserExtra ?? [:])
        if impersonation.user == nil, impersonation != ClusterConfiguration.Impersonation() {
            throw KubernetesError(
                .configurationInvalid, "\(user?.file ?? "command line"): a uid, groups or extra to impersonate, but no user",
                hint: "Name the user with 'as' or --as.")
        }
        return impersonation
    }
}
