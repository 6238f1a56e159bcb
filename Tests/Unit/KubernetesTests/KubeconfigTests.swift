import Certificates
import Foundation
import JSON
import Testing

@testable import Kubernetes

@Suite struct KubeconfigTests {
    private func load(
        _ folder: borrowing TemporaryFolder, _ overrides: KubeconfigOverrides = KubeconfigOverrides(), environment: [String: String] = [:]
    ) throws -> ClusterConfiguration {
        try ClusterConfiguration.load(
            overrides,
            in: .init(environment: environment, home: folder.path, serviceAccountFolder: "\(folder.path)/serviceaccount"))
    }

    /// A kubeconfig of one of each.
    private func config(
        _ name: String, server: String? = nil, cluster: String = "", user: String = "{token: t-NAME}", context: String = "",
        current: Bool = true
    ) -> String {
        let text = """
            apiVersion: v1
            kind: Config
            \(current ? "current-context: NAME" : "")
            clusters: [{name: NAME, cluster: {server: "\(server ?? "https://NAME.example:6443")"\(cluster)}}]
            users: [{name: NAME, user: \(user)}]
            contexts: [{name: NAME, context: {cluster: NAME, user: NAME\(context)}}]
            """
        return text.replacingOccurrences(of: "NAME", with: name)
    }

    @Test func theDefaultFileOfTheHomeFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write(config("one", context: ", namespace: sql"), to: ".kube/config")
        let loaded = try load(folder)
        #expect(loaded.server.description == "https://one.example:6443")
        #expect(loaded.context == "one" && loaded.cluster == "one" && loaded.user == "one")
        #expect(loaded.namespace == "sql")
        #expect(loaded.authentication.token == "t-one")
        #expect(try load(folder, .init(namespace: "flag")).namespace == "flag")
    }

    @Test func theFirstFileOfTheListWinsAsAWhole() throws {
        let folder = try TemporaryFolder()
        let first = try folder.write(
            """
            current-context: shared
            users: [{name: shared, user: {token: first}}]
            """, to: "first")
        let second = try folder.write(
            config("shared", user: "{token: second, as: somebody}") + "\n", to: "second")
        let third = try folder.write(config("third"), to: "third")
        let environment = ["KUBECONFIG": "\(first):\(folder.path)/missing:\(second):\(first):\(third)"]
        let loaded = try load(folder, environment: environment)
        #expect(loaded.context == "shared")
        #expect(loaded.authentication.token == "first")
        // The second file's user is not merged into the first one's.
        #expect(loaded.impersonation.user == nil)
        #expect(loaded.warnings.count == 1 && loaded.warnings[0].contains("/missing"))
        #expect(try load(folder, .init(context: "third"), environment: environment).authentication.token == "t-third")
        // --kubeconfig is read alone.
        #expect(throws: KubernetesError.self) { try load(folder, .init(kubeconfig: first), environment: environment) }
    }

    @Test func relativePathsBelongToTheirFilesFolder() throws {
        let folder = try TemporaryFolder()
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "admin")
        try folder.write(try authority.pem, to: "conf/pki/ca.crt")
        try folder.write(identity.certificate, to: "conf/pki/admin.crt")
        try folder.write(identity.key, to: "conf/pki/admin.key")
        let file = try folder.write(
            config(
                "one", cluster: ", certificate-authority: pki/ca.crt",
                user: "{client-certificate: pki/admin.crt, client-key: pki/admin.key, tokenFile: ../token}"), to: "conf/config")
        let loaded = try load(folder, .init(kubeconfig: file))
        #expect(loaded.trust.authority?.origin == "\(folder.path)/conf/pki/ca.crt")
        #expect(loaded.authentication.clientCertificate?.chain.origin == "\(folder.path)/conf/pki/admin.crt")
        #expect(loaded.authentication.tokenFile == "\(folder.path)/token")
    }

    @Test func inlineDataAndFilesAtOnceAreRefused() throws {
        #expect(try error(config("one", cluster: ", certificate-authority: /a, certificate-authority-data: YQ==")).message.contains("both"))
        let user = "{client-certificate: /a, client-certificate-data: YQ==, client-key: /b}"
        #expect(try error(config("one", user: user)).message.contains("both client-certificate"))
    }

    @Test func flagsWin() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            config("one", cluster: ", tls-server-name: inner, insecure-skip-tls-verify: true, proxy-url: \"http://proxy:3128\""),
            to: ".kube/config")
        let plain = try load(folder)
        #expect(plain.trust.serverName == "inner" && !plain.trust.isVerified && plain.proxy?.url == "http://proxy:3128")
        // The file's tls-server-name belongs to the file's server.
        #expect(try load(folder, .init(server: "https://other")).trust.serverName == nil)
        #expect(try load(folder, .init(server: "https://other", tlsServerName: "x")).trust.serverName == "x")
        let overridden = try load(folder, .init(token: "flag", as: "alice", asGroup: ["g1", "g2"], requestTimeout: .seconds(3)))
        #expect(overridden.authentication.token == "flag")
        #expect(overridden.impersonation == .init(user: "alice", groups: ["g1", "g2"]))
        #expect(overridden.requestTimeout == .seconds(3))
        #expect(try load(folder, .init(insecureSkipTLSVerify: false)).trust.isVerified)
    }

    @Test func aServerWithoutAnyKubeconfig() throws {
        let folder = try TemporaryFolder()
        let loaded = try load(folder, .init(server: "127.0.0.1:8080", token: "t"))
        #expect(loaded.server.description == "http://127.0.0.1:8080")
        #expect(loaded.namespace == "default")
    }

    @Test(arguments: [
        ("https://host", "https://host:443"), ("https://[::1]:6443", "https://[::1]:6443"), ("host:6443", "http://host:6443"),
        ("https://rancher/k8s/clusters/c-1/", "https://rancher:443/k8s/clusters/c-1"),
    ])
    func serverAddresses(_ text: String, _ expected: String) throws {
        #expect(try APIServerURL(text, origin: "").description == expected)
    }

    @Test(arguments: ["ftp://host", "https://", "https://user:password@host", "no spaces please"])
    func noServerAddresses(_ text: String) {
        #expect(throws: KubernetesError.self) { try APIServerURL(text, origin: "") }
    }

    @Test func inAPod() throws {
        let folder = try TemporaryFolder()
        try folder.write("token\n", to: "serviceaccount/token")
        try folder.write(try CertificateAuthority(name: "test authority").pem, to: "serviceaccount/ca.crt")
        try folder.write("sql\n", to: "serviceaccount/namespace")
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        let loaded = try load(folder, environment: environment)
        #expect(loaded.server.description == "https://[fd00::1]:443")
        #expect(loaded.namespace == "sql")
        #expect(loaded.authentication.tokenFile == "\(folder.path)/serviceaccount/token")
        #expect(loaded.trust.authority != nil)
        // A kubeconfig counts before the pod's own account.
        try folder.write(config("one"), to: ".kube/config")
        #expect(try load(folder, environment: environment).context == "one")
    }

    // MARK: Errors, each with its own code, place and next step

    private func error(_ text: String, _ overrides: KubeconfigOverrides = KubeconfigOverrides()) throws -> KubernetesError {
        let folder = try TemporaryFolder()
        try folder.write(text, to: ".kube/config")
        do {
            _ = try load(folder, overrides)
        } catch let error as KubernetesError {
            #expect(error.message.contains(folder.path) || error.message.hasPrefix("--"), "no place in: \(error)")
            #expect(error.hint?.isEmpty == false, "no next step in: \(error)")
            return error
        }
        throw NoFailure()
    }

    @Test func missingFiles() throws {
        let folder = try TemporaryFolder()
        #expect(throws: KubernetesError.self) { try load(folder) }
        do {
            _ = try load(folder, .init(kubeconfig: "\(folder.path)/nope"))
        } catch let error as KubernetesError {
            #expect(error.code == .configurationMissing && error.message.contains("/nope"))
        }
        do {
            _ = try load(folder, environment: ["KUBECONFIG": "/no/a:/no/b"])
        } catch let error as KubernetesError {
            #expect(error.code == .configurationMissing && error.message.contains("/no/a:/no/b"))
        }
    }

    @Test func contextsUsersAndClustersThatAreNotThere() throws {
        let text = config("one")
        #expect(try error(config("one", current: false)).code == .noCurrentContext)
        #expect(try error(config("one", current: false)).hint?.contains("contexts: one.") == true)
        #expect(try error(text, .init(context: "two")).code == .unknownContext)
        #expect(try error(text.replacingOccurrences(of: "current-context: one", with: "current-context: two")).code == .unknownContext)
        #expect(try error(text, .init(cluster: "two")).code == .unknownCluster)
        #expect(try error(text, .init(user: "two")).code == .unknownUser)
        #expect(try error(text.replacingOccurrences(of: "{cluster: one", with: "{cluster: gone")).code == .unknownCluster)
    }

    /// As for kubectl: no credentials.
    @Test func aUserThatIsNotThere() throws {
        let folder = try TemporaryFolder()
        try folder.write(config("one").replacingOccurrences(of: "user: one}", with: "user: gone}"), to: ".kube/config")
        let loaded = try load(folder)
        #expect(loaded.authentication.token == nil)
        #expect(loaded.warnings.count == 1 && loaded.warnings[0].contains("'gone'"))
    }

    @Test func thousandsOfContextsDoNotFillTheScreen() throws {
        let contexts = (0..<4001).map { "{name: c\($0)}" }.joined(separator: ", ")
        let error = try error("contexts: [\(contexts)]", .init(context: "gone"))
        #expect(error.code == .unknownContext && (error.hint ?? "").hasSuffix("and 3991 more.") && "\(error)".count < 400)
    }

    @Test func aliasesOfAliasesAreBounded() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 { text += "a\(level): &a\(level) [\((0..<10).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n" }
        #expect(try error(text).message.contains("too many values"))
    }

    @Test func inAPodThePartsThatAreMissing() throws {
        let folder = try TemporaryFolder()
        try folder.write("token\n", to: "serviceaccount/token")
        try folder.write(try CertificateAuthority(name: "test authority").pem, to: "serviceaccount/ca.crt")
        try folder.write("sql\n", to: "serviceaccount/namespace")
        let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]
        func load(_ text: String, _ overrides: KubeconfigOverrides = .init()) throws -> ClusterConfiguration {
            try folder.write(text, to: ".kube/config")
            return try self.load(folder, overrides, environment: environment)
        }
        let named = try load("contexts: [{name: d, context: {namespace: x}}]\ncurrent-context: d")
        #expect(named.server.host == "10.0.0.1" && named.namespace == "x" && named.authentication.tokenFile != nil)
        #expect(try load("contexts: [{name: d, context: {namespace: x}}]").namespace == "sql")
        #expect(try load("current-context: ''").server.host == "10.0.0.1")
        #expect(try load("contexts: [{name: d, context: {cluster: gone}}]\ncurrent-context: d").server.host == "10.0.0.1")
        #expect(throws: KubernetesError.self) { try load("current-context: gone") }
        // A whole kubeconfig counts, and its namespace is the pod's where it has none.
        let whole = try load(config("one"))
        #expect(whole.server.host == "one.example" && whole.namespace == "sql")
        #expect(try load(config("one", context: ", namespace: own")).namespace == "own")
        #expect(try load(config("one"), .init(namespace: "flag")).namespace == "flag")
    }

    @Test func brokenFiles() throws {
        let yaml = try error("clusters: [\n  token: secret-token")
        #expect(yaml.code == .configurationInvalid && yaml.message.contains("line") && !"\(yaml)".contains("secret-token"))
        let type = try error("users: [{name: one, user: {token: {a: secret-token}}}]")
        #expect(type.code == .configurationInvalid && type.message.contains("users.[0].user.token") && !"\(type)".contains("secret-token"))
        #expect(try error(config("one") + "\nusers: [{name: x}]").code == .configurationInvalid)
        let twice = try error("users: [{name: x, user: {token: a}}, {name: x, user: {token: b}}]")
        #expect(twice.code == .configurationInvalid && twice.message.contains("'x'"))
    }

    @Test func unreadableCertificates() throws {
        #expect(try error(config("one", cluster: ", certificate-authority: ca.crt")).code == .certificateUnreadable)
        #expect(try error(config("one", cluster: ", certificate-authority-data: '%%'")).code == .certificateUnreadable)
        #expect(try error(config("one", cluster: ", certificate-authority-data: aGVsbG8=")).code == .certificateUnreadable)
        #expect(try error(config("one", user: "{client-certificate: nope.crt, client-key: nope.key}")).code == .certificateUnreadable)
        let chain = Data(try CertificateAuthority(name: "test authority").pem.utf8).base64EncodedString()
        #expect(try error(config("one", user: "{client-certificate-data: \(chain)}")).message.contains("without its key"))
        let authority = try CertificateAuthority(name: "test authority")
        let data = Data(try authority.pem.utf8).base64EncodedString()
        #expect(
            try error(config("one", cluster: ", certificate-authority-data: \(data), insecure-skip-tls-verify: true")).code
                == .configurationInvalid)
    }

    @Test func authProviders() throws {
        #expect(try error(config("one", user: "{auth-provider: {name: gcp}}")).code == .credentialsUnavailable)
        func token(_ expiry: Int) -> String { "e30." + Data("{\"exp\": \(expiry)}".utf8).base64EncodedString() + ".x" }
        let expired = try error(config("one", user: "{auth-provider: {name: oidc, config: {id-token: \(token(1_000))}}}"))
        #expect(expired.code == .credentialsUnavailable && expired.message.contains("1970"))
        let folder = try TemporaryFolder()
        let valid = token(4_000_000_000)
        try folder.write(config("one", user: "{auth-provider: {name: oidc, config: {id-token: \(valid)}}}"), to: ".kube/config")
        #expect(try load(folder).authentication.token == valid)
    }

    @Test func execPlugins() throws {
        func exec(_ text: String) -> String { config("one", user: "{exec: {\(text)}}") }
        #expect(try error(exec("apiVersion: client.authentication.k8s.io/v1")).message.contains("command"))
        #expect(try error(exec("apiVersion: client.authentication.k8s.io/v1alpha1, command: x")).message.contains("v1alpha1"))
        #expect(try error(exec("apiVersion: client.authentication.k8s.io/v1, command: x")).message.contains("interactiveMode"))
        let folder = try TemporaryFolder()
        try folder.write(
            config(
                "one", cluster: ", extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: a}}]",
                user: """
                    {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/plugin, args: [get, token], provideClusterInfo: true,
                      env: [{name: MODE, value: test}], installHint: "Install\\u001B[31m it."}}
                    """), to: ".kube/config")
        let plugin = try #require(try load(folder, environment: ["PATH": "/bin", "MODE": "outer"]).authentication.exec)
        #expect(plugin.command == "\(folder.path)/.kube/bin/plugin")
        #expect(plugin.arguments == ["get", "token"])
        #expect(plugin.surroundings == ["PATH": "/bin", "MODE": "outer"])
        #expect(plugin.environment == ["MODE": "test"])
        #expect(plugin.interactiveMode == .ifAvailable)
        #expect(plugin.installHint == "Install[31m it.")
        let info = plugin.info(isInteractive: false)
        #expect(info["apiVersion"]?.string == "client.authentication.k8s.io/v1beta1")
        #expect(info["spec"]?["interactive"]?.bool == false)
        #expect(info["spec"]?["cluster"]?["server"]?.string == "https://one.example:6443")
        #expect(info["spec"]?["cluster"]?["config"]?["audience"]?.string == "a")
    }
}
