import Foundation
import JSON
package import NIOCore
import NIOPosix
import SandboxAPI
import SandboxControllers
package import SandboxStore

/// The kind of sandbox to start.
package struct SandboxOptions: Sendable {
    /// The number of nodes.
    package var nodes: Int
    package var profile: SandboxProfile
    /// Where the kubeconfig is written; `nil` puts it into the sandbox's own folder.
    package var kubeconfigPath: String?
    /// Where volumes and logs lie; `nil` makes a folder that is deleted when the sandbox stops.
    package var dataDirectory: String?

    /// The program that Microsoft's database images run; `nil` is `sandbox-sql` beside this program.
    package var databaseProgram: String?
    /// Misbehaviour of the control plane, for proving that it is noticed.
    package var flaws: Set<SandboxFlaw> = []
    /// Misbehaviour of the database program (`SANDBOX_SQL_FLAWS`).
    package var databaseFlaws: [String] = []

    package init(
        nodes: Int = 3, profile: SandboxProfile = .fast, kubeconfigPath: String? = nil, dataDirectory: String? = nil
    ) {
        self.nodes = nodes
        self.profile = profile
        self.kubeconfigPath = kubeconfigPath
        self.dataDirectory = dataDirectory
    }
}

/// Makes the API's objects come true: nodes, controllers and the network work on the store.
package protocol ClusterBackend: Sendable {
    var runtime: any PodRuntime { get }
    /// Ends every process, mount and listener of the cluster.
    func stop() async
}

/// The values that a backend starts with.
package struct ClusterBackendContext: Sendable {
    package let store: ObjectStore
    package let options: SandboxOptions
    let addresses: LoopbackBlock
    /// The folder for everything the cluster writes.
    package let folder: String
    package let group: any EventLoopGroup
    /// Signs the tokens of ServiceAccounts, for the API and for pods.
    let tokens: TokenIssuer
}

/// A Kubernetes-compatible cluster inside of this process, served on loopback: the API is real, and so are its pods' processes.
package final class SandboxCluster: Sendable {
    /// The path of a kubeconfig for this cluster, readable by this user alone.
    package let kubeconfigPath: String
    /// The API server's URL.
    package let server: String

    package let store: ObjectStore
    let credentials: ClusterCredentials
    let backend: any ClusterBackend
    private let undo: UndoStack

    private init(
        store: ObjectStore, backend: any ClusterBackend, credentials: ClusterCredentials, server: String, kubeconfigPath: String,
        undo: UndoStack
    ) {
        self.store = store
        self.backend = backend
        self.credentials = credentials
        self.server = server
        self.kubeconfigPath = kubeconfigPath
        self.undo = undo
    }

    /// Starts the control plane over the given backend. Nothing is left behind when any part of it fails.
    package static func start(
        _ options: SandboxOptions, group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        environment: StoreEnvironment = .live, backend start: (ClusterBackendContext) async throws -> any ClusterBackend
    ) async throws -> SandboxCluster {
        var undo = UndoStack()
        do {
            let folder = try ClusterFolder(options.dataDirectory)
            undo.push { folder.remove() }
            let addresses = try await LoopbackBlock.claim(group: group)
            // The block is free as soon as this process ends, at the latest.
            undo.push { try? await addresses.release() }
            let serviceAddresses = ServiceAddresses(prefix: addresses.servicePrefix)
            let credentials = try ClusterCredentials(now: environment.now(), serviceAddress: serviceAddresses.kubernetes)
            let admission = KubernetesAdmission(
                profile: options.profile, addresses: serviceAddresses, authority: credentials.authority)
            let store = ObjectStore(environment: environment, admission: admission)
            try ClusterSeed.plant(in: store, admission.addresses)
            let namespaces = Task { await NamespaceController(settling: options.profile.namespaceSettling).run(store, ContinuousTime()) }
            undo.push {
                namespaces.cancel()
                await namespaces.value
            }
            let tokens = TokenIssuer()
            let backend = try await start(
                ClusterBackendContext(
                    store: store, options: options, addresses: addresses, folder: folder.path, group: group, tokens: tokens))
            undo.push { await backend.stop() }
            let apiServer = try await APIServer.bind(
                service: APIService(store: store, runtime: backend.runtime, tokens: tokens, flaws: options.flaws),
                credentials: credentials, group: group)
            let serving = Task { try await apiServer.run() }
            undo.push {
                serving.cancel()
                _ = await serving.result
            }
            try ClusterSeed.publish(apiServerPort: apiServer.port, in: store)
            let server = "https://127.0.0.1:\(apiServer.port)"
            let path = options.kubeconfigPath ?? "\(folder.path)/kubeconfig"
            try Kubeconfig(server: server, credentials: credentials).write(to: path)
            undo.push { unlink(path) }
            return SandboxCluster(
                store: store, backend: backend, credentials: credentials, server: server, kubeconfigPath: path, undo: undo)
        } catch {
            await undo.run()
            throw error
        }
    }

    /// Creates or changes the objects of a manifest, as `kubectl apply` would.
    package func apply(yaml: String, source: String) throws {
        for object in try Manifest.objects(yaml: yaml, source: source) {
            try Task.checkCancellation()
            do {
                try store.apply(object)
            } catch {
                throw SandboxError("\(source): \(object.kind) \(object.name): \(error.message)")
            }
        }
    }

    /// Ends every process of the cluster and removes what it made, but not a data directory that was given to it.
    package func stop() async { await undo.run() }
}

/// The started parts, to be ended in the opposite order.
private struct UndoStack: Sendable {
    private var steps: [@Sendable () async -> Void] = []

    mutating func push(_ step: @escaping @Sendable () async -> Void) { steps.append(step) }

    func run() async { for step in steps.reversed() { await step() } }
}
