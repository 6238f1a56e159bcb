import Foundation
import JSON
import NIOCore
import SandboxAPI
import SandboxControllers
import SandboxNodes
import SandboxStore

/// Nodes, controllers and the Service proxy: what makes the API server's objects come true.
final class NodeBackend: ClusterBackend {
    let runtime: any PodRuntime
    let fleet: NodeFleet
    private let machine: IsolatedMachine
    private let tasks: [Task<Void, Never>]

    private init(fleet: NodeFleet, machine: IsolatedMachine, tasks: [Task<Void, Never>]) {
        runtime = fleet
        self.fleet = fleet
        self.machine = machine
        self.tasks = tasks
    }

    static func start(_ context: ClusterBackendContext) async throws -> NodeBackend {
        let options = context.options
        let identity = ProcessIdentity.current(offset: context.addresses.index)
        let hostMounts = try await hostMounts(options, context.folder, identity)
        let machine = try await IsolatedMachine.start(
            directory: context.folder, keepsDirectory: options.dataDirectory != nil, hostMounts: hostMounts, as: identity)
        do {
            return try await start(context, on: machine)
        } catch {
            await machine.stop()
            throw error
        }
    }

    private static func start(_ context: ClusterBackendContext, on machine: IsolatedMachine) async throws -> NodeBackend {
        let (store, options) = (context.store, context.options)
        let timings = options.profile.timings
        let time = ContinuousTime()
        let proxy = ServiceProxy(store: store, group: context.group, flaws: options.flaws)
        let podAddresses = AddressPool(prefix: context.addresses.podPrefix)
        let prober = Prober(group: context.group)
        let variables = options.databaseFlaws.isEmpty ? [:] : ["SANDBOX_SQL_FLAWS": options.databaseFlaws.joined(separator: ",")]
        let nodes = (1...max(options.nodes, 1)).map { number -> SandboxNode in
            let name = "worker-\(number)"
            let address = "\(context.addresses.podPrefix).255.\(number)"
            return SandboxNode(name: name, address: address, machine: machine, network: proxy) { namespace, link, agent in
                KubeletServices(
                    nodeName: name, address: address, store: store, machine: machine, namespace: namespace, time: time, timings: timings,
                    podAddresses: podAddresses, prober: prober, databaseVariables: variables, link: link, agent: agent,
                    makeContainerID: { randomIdentifier() },
                    makeToken: { [tokens = context.tokens, environment = store.environment] account, pod, audience in
                        tokens.token(for: account, in: pod, audience: audience, at: environment.now())
                    })
            }
        }
        let flaws = options.flaws
        var tasks: [Task<Void, Never>] = [Task { await proxy.run() }]
        func control(_ reconciler: some Reconciler) { tasks.append(Task { await reconciler.run(store, time) }) }
        control(DeploymentController())
        control(ReplicaSetController(flaws: flaws))
        control(StatefulSetController(flaws: flaws))
        control(DaemonSetController())
        control(Scheduler(flaws: flaws))
        control(NodeLifecycleController(timings: timings))
        control(PodGarbageCollector(timings: timings))
        control(VolumeController())
        control(AttachDetachController(timings: timings))
        control(EndpointsController(flaws: flaws))
        control(DisruptionController())
        control(ResourceQuotaController())
        control(LoadBalancerController(prefix: context.addresses.servicePrefix))
        tasks.append(Task { await removeDeletedVolumes(store, machine) })
        let fleet = NodeFleet(nodes, time: time, dialTimeout: timings.dialTimeout)
        let backend = NodeBackend(fleet: fleet, machine: machine, tasks: tasks)
        do {
            for node in nodes { try await node.start() }
        } catch {
            await backend.stop()
            throw error
        }
        return backend
    }

    /// The folder of everything that pods write.
    var directory: String { machine.directory }

    /// 64 hexadecimal digits, as container runtimes name containers.
    @Sendable private static func randomIdentifier() -> String {
        (0..<4).map { _ in
            let part = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - part.count) + part
        }.joined()
    }

    /// The database program, where there is one, under all its names.
    private static func hostMounts(
        _ options: SandboxOptions, _ folder: String, _ identity: ProcessIdentity
    ) async throws -> [HostMount] {
        let beside = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("sandbox-sql").path
        guard let program = options.databaseProgram ?? (access(beside, X_OK) == 0 ? beside : nil) else { return [] }
        let names = [ContainerImage.databasePath, IsolatedMachine.keepOwnerPath] + ContainerImage.clientPaths
        guard identity.id != nil else { return try await ProgramFiles.hostMounts(for: program, at: names) }
        // Root's program may lie where the sandbox's user cannot go.
        let copy = "\(folder)/sqlservr"
        try? FileManager.default.removeItem(atPath: copy)
        do {
            try FileManager.default.copyItem(atPath: program, toPath: copy)
        } catch {
            throw SandboxError("cannot copy the database program \(program): \(error.localizedDescription)")
        }
        try identity.own(copy)
        return try await ProgramFiles.hostMounts(for: copy, at: names)
    }

    /// Removes the folder of every volume whose object is gone.
    private static func removeDeletedVolumes(_ store: ObjectStore, _ machine: IsolatedMachine) async {
        while !Task.isCancelled {
            guard let watch = try? store.watch(.persistentVolumes) else { return }
            do {
                for try await event in watch where event.kind == .deleted {
                    guard event.object[path: "spec", "persistentVolumeReclaimPolicy"]?.string == "Delete" else { continue }
                    try? FileManager.default.removeItem(atPath: "\(machine.directory)/volumes/\(event.object.name)")
                }
            } catch {}
        }
    }

    func stop() async {
        for task in tasks { task.cancel() }
        for node in fleet.all { await node.stop() }
        for task in tasks { await task.value }
        await machine.stop()
    }
}
