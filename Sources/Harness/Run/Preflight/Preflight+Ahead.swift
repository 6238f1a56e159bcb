import Experiment
import Fault
import Journal
import Kubernetes
import KubernetesAPI
import NIOCore
import TDS
import Verdict

/// Warnings about settings that make the next recovery longer, or prevent it.
extension Preflight {
    /// Kubernetes' default for a pod.
    private static let defaultGracePeriod = 30

    /// Compares the time that the server has to stop with the time that it took in earlier runs.
    func checkGracePeriod(_ pod: Pod, _ target: ResolvedTarget, _ outcome: inout Outcome) {
        let gracePeriod = Duration.seconds(pod.spec.terminationGracePeriodSeconds ?? Self.defaultGracePeriod)
        let own = options.earlierShutdowns.filter { $0.namespace == target.namespace && $0.workload == experiment.target.workload }
        guard let worst = own.filter({ $0.objection(to: gracePeriod) != nil }).max(by: { $0.took < $1.took }),
            let objection = worst.objection(to: gracePeriod)
        else { return }
        outcome.warn(
            "grace-period", objection,
            hint: worst.isClean
                ? "a terminationGracePeriodSeconds of at least \(worst.took.components.seconds * 2 + 1)"
                : "see if SIGTERM reaches the server; if it does, a longer terminationGracePeriodSeconds")
    }

    /// Compares the volumes with the nodes that could take the pod: a node in another zone cannot attach them.
    func checkReach(_ pod: Pod, _ target: ResolvedTarget, _ spare: [Node], _ outcome: inout Outcome) async throws {
        guard !spare.isEmpty else { return }
        for claim in (pod.spec.volumes ?? []).compactMap({ $0.persistentVolumeClaim?.claimName }) {
            let volume = try await TargetResolver.ifAllowed { () async throws(KubernetesError) -> PersistentVolume? in
                guard let name = try await client.get(PersistentVolumeClaim.self, claim, in: target.namespace).spec.volumeName else {
                    return nil
                }
                return try await client.find(PersistentVolume.self, name)
            }
            guard let volume, let objection = volume.objection(to: spare) else { continue }
            outcome.warn(
                "volume-reach", "claim \(claim): \(objection)",
                hint: "a node where the volume is, or storage that reaches the others")
        }
    }

    /// Compares the container's memory limit with the memory that the engine plans to use.
    func checkMemory(_ server: TDSConfiguration, _ container: Container, _ outcome: inout Outcome) async {
        guard let text = container.resources?.limits?["memory"], let limit = Quantity.bytes(text) else { return }
        var memory = EngineMemory(limit: limit, container: container)
        await memory.ask(server, on: eventLoopGroup.next())
        if let objection = memory.objection {
            outcome.warn(
                "memory", objection,
                hint: "MSSQL_MEMORY_LIMIT_MB: \(memory.recommended), four fifths of the limit, in the container's environment")
        } else if let believed = memory.believed {
            outcome.pass("memory", "the engine uses up to \(believed.sizeText), the container may use \(limit.sizeText)")
        } else {
            outcome.warn(
                "memory",
                "the container may use \(limit.sizeText), and the engine was not asked what it believes to have: \(memory.notAsked ?? "no answer")",
                hint: "grant VIEW SERVER STATE to the login, or set MSSQL_MEMORY_LIMIT_MB in the container's environment")
        }
    }
}

/// A container's memory limit, and the memory that its engine plans to use.
struct EngineMemory: Sendable, Hashable {
    /// Bytes.
    let limit: Int64
    /// `MSSQL_MEMORY_LIMIT_MB` in the pod's environment, in bytes.
    let configured: Int64?
    /// `committed_target_kb`, in bytes: the most that the engine's memory manager may allocate.
    var target: Int64?
    /// `physical_memory_kb`, in bytes: the memory that the engine sees in the machine.
    var physical: Int64?
    /// The reason why the server was not asked.
    var notAsked: String?

    private static let variable = "MSSQL_MEMORY_LIMIT_MB"
    private static let timeout = Duration.seconds(5)

    init(limit: Int64, container: Container) {
        self.limit = limit
        let value = container.env?.first { $0.name == Self.variable }?.value
        configured = value.flatMap { Int64($0) }.flatMap { $0 > 0 && $0 < 1 << 40 ? $0 << 20 : nil }
    }

    mutating func ask(_ server: TDSConfiguration, on eventLoop: any EventLoop) async {
        var patient = server
        patient.deadlines = .init(each: Self.timeout)
        do throws(TDSError) {
            let connection = try await TDSConnection.connect(patient, on: eventLoop)
            let statement = "SELECT committed_target_kb, physical_memory_kb FROM sys.dm_os_sys_info"
            do throws(TDSError) {
                let answer = try await connection.query(statement, timeout: Self.timeout)
                let kilobytes = (try? answer.rows.first?.values().map { $0.integer }) ?? []
                func bytes(_ value: Int64??) -> Int64? { (value ?? nil).flatMap { $0 > 0 && $0 < 1 << 50 ? $0 << 10 : nil } }
                target = bytes(kilobytes.first)
                physical = bytes(kilobytes.last)
                if target == nil, physical == nil { notAsked = "the server does not say" }
            } catch {
                notAsked = "\(error)"
            }
            await connection.close()
        } catch {
            notAsked = "\(error)"
        }
    }

    /// The most that the engine plans to use: its own target, or else the memory that it sees in the machine.
    var believed: Int64? { target ?? physical ?? configured }

    /// Returns a warning if the engine plans to use more than the container may; `nil` if it does not, or if that is not known.
    var objection: String? {
        guard let believed, believed >= limit else { return nil }
        let source =
            target != nil
            ? "committed_target_kb of sys.dm_os_sys_info" : physical != nil ? "physical_memory_kb of sys.dm_os_sys_info" : Self.variable
        return
            "the engine plans with \(believed.sizeText) (\(source)), and the container is killed at \(limit.sizeText): under load it is OOMKilled"
    }

    /// A value for the variable, which takes MB.
    var recommended: Int64 { (limit >> 20) * 4 / 5 }
}

extension PersistentVolume {
    /// Returns whether a pod on `node` can use the volume, by the volume's node affinity and zone.
    func isReachable(from node: Node) -> Bool {
        if let terms = spec.nodeAffinity?.required?.nodeSelectorTerms {
            return terms.contains { term in
                (term.matchExpressions ?? []).allSatisfy { expression in
                    // Other operators, such as Gt, exclude no node here.
                    LabelRequirement(key: expression.key, operator: expression.operator, values: expression.values ?? [])?
                        .matches(node.metadata.labels) ?? true
                }
            }
        }
        guard let zone = zone(metadata.labels), let own = self.zone(node.metadata.labels) else { return true }
        // A volume in several zones lists them all.
        return zone.split(separator: "__").contains { $0 == own }
    }

    private func zone(_ labels: [String: String]) -> String? { LabelKey.zones.lazy.compactMap { labels[$0] }.first }

    /// Returns a warning if none of the nodes that could take the pod can use the volume; `nil` if one can.
    func objection(to spare: [Node]) -> String? {
        guard !spare.contains(where: isReachable) else { return nil }
        let expressions = (spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap { $0.matchExpressions ?? [] }
        let place =
            expressions.map { "\($0.key) \($0.operator) \(($0.values ?? []).joined(separator: ", "))" }.joined(separator: "; ")
        let needs = place.isEmpty ? "zone \(zone(metadata.labels) ?? "?")" : place
        let names = spare.map { node in
            "\(node.metadata.name)\(zone(node.metadata.labels).map { " (zone \($0))" } ?? "")"
        }
        return
            "its volume \(metadata.name) is only for nodes with \(needs); those that could take the pod are \(names.joined(separator: ", "))"
    }
}
