import Synchronization

/// A client of one API server, with the identity and the trust of one kubeconfig context.
///
/// Reads are quorum reads. A mutation is sent once and never repeated here: when its outcome is not known
/// (``KubernetesError/isOutcomeUnknown``), whoever sent it looks at the cluster.
public final class KubernetesClient: Sendable {
    public let configuration: ClusterConfiguration
    let transport: CurlTransport
    let credentials: CredentialStore
    let discovered = Mutex(Discovered())

    /// The deadline of a request that is answered at once, unless `--request-timeout` says otherwise.
    public static let defaultRequestTimeout: Duration = .seconds(20)

    public init(_ configuration: ClusterConfiguration) throws(KubernetesError) {
        self.configuration = configuration
        credentials = CredentialStore(configuration.authentication)
        do throws(CurlFailure) {
            transport = try CurlTransport()
        } catch {
            throw error.error(configuration, certificate: nil, request: "start")
        }
    }

    /// The namespace that is meant when none is named.
    public var namespace: String { configuration.namespace }

    var requestTimeout: Duration { configuration.requestTimeout ?? Self.defaultRequestTimeout }
}

/// Which namespaces a list or a watch covers.
public enum NamespaceScope: Sendable, Hashable {
    /// The configuration's own.
    case current
    case namespace(String)
    case all
}

extension KubernetesClient {
    func namespace(of scope: NamespaceScope) -> String? {
        switch scope {
        case .current: namespace
        case .namespace(let name): name
        case .all: nil
        }
    }
}
