import Synchronization

/// A client of one API server, with the identity and the trust of one kubeconfig context.
///
/// Reads are quorum reads. A mutation is sent once and never repeated here: when its outcome is not known
/// (``KubernetesError/isOutcomeUnknown``), the caller must look at the cluster.
public final class KubernetesClient: Sendable {
    public let configuration: ClusterConfiguration
    let transport: CurlTransport
    let credentials: CredentialStore
    let discovered = Mutex(Discovered())

    /// The timeout of a request without a stream, unless `--request-timeout` sets it.
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

    /// The default namespace.
    public var namespace: String { configuration.namespace }

    var requestTimeout: Duration { configuration.requestTimeout ?? Self.defaultRequestTimeout }
}

/// The namespaces of a list or a watch.
public enum NamespaceScope: Sendable, Hashable {
    /// The configuration's namespace.
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
