import JSON

/// A program that issues credentials (`client.authentication.k8s.io`), as a kubeconfig's `exec` describes it.
struct ExecPlugin: Sendable, Hashable {
    static let apiVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

    enum InteractiveMode: String, Sendable {
        case never = "Never"
        case ifAvailable = "IfAvailable"
        case always = "Always"
    }

    var apiVersion: String
    /// A name that is looked up in `PATH`, or an absolute path.
    var command: String
    var arguments: [String]
    /// The environment of this process, which the plugin inherits but for the passwords in it.
    var surroundings: [String: String]
    /// The variables that the kubeconfig gives it.
    var environment: [String: String]
    var installHint: String?
    var interactiveMode: InteractiveMode
    /// `spec.cluster` of what the plugin is told, when it asks for it.
    var cluster: JSONValue?
    /// The kubeconfig that names it.
    var file: String

    init(
        _ exec: KubeconfigFile.Exec, of user: Kubeconfig.Entry<KubeconfigFile.User>, cluster: KubeconfigFile.Cluster?, server: String?,
        trust: ClusterConfiguration.Trust, environment: [String: String]
    ) throws(KubernetesError) {
        func invalid(_ problem: String, _ hint: String) -> KubernetesError {
            KubernetesError(.configurationInvalid, "\(user.file): users.user.exec: \(problem)", hint: hint)
        }
        guard let command = exec.command, !command.isEmpty else { throw invalid("command is missing", "Name the plugin's program.") }
        guard let apiVersion = exec.apiVersion, Self.apiVersions.contains(apiVersion) else {
            throw invalid(
                "apiVersion '\(exec.apiVersion ?? "")' is not supported",
                "Supported: \(Self.apiVersions.joined(separator: ", ")). Update the plugin, or write the kubeconfig again; a newer one uses one of them."
            )
        }
        let mode = exec.interactiveMode ?? (apiVersion.hasSuffix("/v1") ? "" : InteractiveMode.ifAvailable.rawValue)
        guard let interactiveMode = InteractiveMode(rawValue: mode) else {
            throw invalid("interactiveMode '\(mode)' is not one of Never, IfAvailable, Always", "v1 requires it; Never suits most plugins.")
        }
        guard (exec.env ?? []).allSatisfy({ $0.name?.isEmpty == false }) else {
            throw invalid("a variable of env has no name", "Name it, or remove it.")
        }
        self.apiVersion = apiVersion
        self.command = command.contains("/") ? user.resolve(command) : command
        arguments = exec.args ?? []
        surroundings = environment
        self.environment = Dictionary((exec.env ?? []).map { ($0.name ?? "", $0.value ?? "") }) { $1 }
        installHint = exec.installHint.map { String($0.unicodeScalars.filter { $0 == "\n" || ($0.value >= 32 && $0.value != 127) }) }
        self.interactiveMode = interactiveMode
        file = user.file
        if exec.provideClusterInfo == true, let server {
            self.cluster = Self.clusterInfo(cluster, server: server, trust: trust)
        }
    }

    private static func clusterInfo(_ cluster: KubeconfigFile.Cluster?, server: String, trust: ClusterConfiguration.Trust) -> JSONValue {
        var info: JSONValue = ["server": .string(server)]
        if let name = trust.serverName { info["tls-server-name"] = .string(name) }
        if !trust.isVerified { info["insecure-skip-tls-verify"] = true }
        if let authority = trust.authority { info["certificate-authority-data"] = .string(authority.base64) }
        if let proxy = cluster?.proxyURL, !proxy.isEmpty { info["proxy-url"] = .string(proxy) }
        if let config = cluster?.extensions?.first(where: { $0.name == "client.authentication.k8s.io/exec" })?.extension {
            info["config"] = config
        }
        return info
    }

    /// The value of `KUBERNETES_EXEC_INFO`.
    func info(isInteractive: Bool) -> JSONValue {
        var spec: JSONValue = ["interactive": .bool(isInteractive)]
        if let cluster { spec["cluster"] = cluster }
        return ["apiVersion": .string(apiVersion), "kind": "ExecCredential", "spec": spec]
    }
}
