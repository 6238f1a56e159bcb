import Files
import Foundation
import Secrets

/// Holds the user's credentials and renews those that can be renewed: token files and exec plugins.
actor CredentialStore {
    /// Injected, so that expiry can be tested.
    struct Clock: Sendable {
        var date: @Sendable () -> Date = { Date() }
        var instant: @Sendable () -> ContinuousClock.Instant = { .now }
    }

    /// The time for which a token file's content is used before it is read again, as client-go does: projected tokens rotate.
    static let tokenFilePeriod: Duration = .seconds(60)

    private let authentication: ClusterConfiguration.Authentication
    private let clock: Clock
    private let runPlugin: @Sendable (ExecPlugin) async -> Result<ExecCredential, KubernetesError>
    private var generation = 0
    private var fileToken: (token: String, readAt: ContinuousClock.Instant)?
    private var execCredential: ExecCredential?
    /// At most one run of the plugin at any time; whoever needs a credential meanwhile waits for it.
    private var pluginRun: Task<Result<ExecCredential, KubernetesError>, Never>?

    init(
        _ authentication: ClusterConfiguration.Authentication, clock: Clock = Clock(),
        runPlugin: @escaping @Sendable (ExecPlugin) async -> Result<ExecCredential, KubernetesError> = { plugin in
            do throws(KubernetesError) {
                return .success(try await plugin.run())
            } catch {
                return .failure(error)
            }
        }
    ) {
        if let password = authentication.basic?.password { KnownSecrets.add(password) }
        self.authentication = authentication
        self.clock = clock
        self.runPlugin = runPlugin
    }

    /// Is `true` when another credential can follow a refused one.
    nonisolated var isRenewable: Bool { authentication.tokenFile != nil || authentication.exec != nil }

    func current() async throws(KubernetesError) -> Credential {
        var credential = Credential(clientCertificate: authentication.clientCertificate)
        if let path = authentication.tokenFile {
            credential.authorization = "Bearer \(try token(from: path))"
        } else if let token = authentication.token {
            credential.authorization = "Bearer \(token)"
        } else if let basic = authentication.basic {
            credential.authorization = "Basic \(Data("\(basic.username):\(basic.password)".utf8).base64EncodedString())"
        } else if let plugin = authentication.exec {
            let issued = try await issued(by: plugin)
            credential.authorization = issued.token.map { "Bearer \($0)" }
            credential.clientCertificate = credential.clientCertificate ?? issued.clientCertificate
        }
        credential.generation = generation
        // A server may repeat it in an error.
        if let secret = credential.authorization?.split(separator: " ", maxSplits: 1).last { KnownSecrets.add(String(secret)) }
        return credential
    }

    /// Takes note that the server answered 401 to this credential. The next request gets a new one, unless somebody has renewed it already.
    func reject(_ credential: Credential) {
        guard credential.generation == generation else { return }
        fileToken = nil
        execCredential = nil
        generation += 1
    }

    private func token(from path: String) throws(KubernetesError) -> String {
        let now = clock.instant()
        if let cached = fileToken, now - cached.readAt < Self.tokenFilePeriod { return cached.token }
        do throws(KubernetesError) {
            let token = try readToken(path)
            if fileToken?.token != token { generation += 1 }
            fileToken = (token, now)
            return token
        } catch {
            // As client-go: the inline token, or the last one read, serves while the file is being replaced.
            if let token = fileToken?.token ?? authentication.token { return token }
            throw error
        }
    }

    private func readToken(_ path: String) throws(KubernetesError) -> String {
        let text: String
        do {
            text = try InputFile.text(path).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw KubernetesError(
                .credentialsUnavailable, "\(path) (tokenFile): \(ClusterConfiguration.reason(error))",
                hint: "Check 'tokenFile' in the kubeconfig.")
        }
        guard !text.isEmpty else {
            throw KubernetesError(.credentialsUnavailable, "\(path) (tokenFile) is empty", hint: "It holds the token and nothing else.")
        }
        return text
    }

    private func issued(by plugin: ExecPlugin) async throws(KubernetesError) -> ExecCredential {
        if let cached = execCredential, cached.expiry.map({ $0 > clock.date() }) ?? true { return cached }
        let run: Task<Result<ExecCredential, KubernetesError>, Never>
        if let pluginRun {
            run = pluginRun
        } else {
            run = Task { [runPlugin] in await runPlugin(plugin) }
            pluginRun = run
        }
        let result = await run.value
        // The first one to come back here notes the result; by the time the others do, a new run may be under way.
        if pluginRun == run {
            pluginRun = nil
            generation += 1
            if case .success(let credential) = result { execCredential = credential }
        }
        return try result.get()
    }
}
