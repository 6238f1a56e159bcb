import Foundation
import JSON
import SandboxStore

/// A pod's folders and address.
extension PodWorker {
    /// Waits until all volumes are there. `false` when the pod ends first.
    func mount() async -> Bool {
        for volume in pod[path: "spec", "volumes"]?.array ?? [] {
            let name = volume["name"]?.string ?? ""
            while !Task.isCancelled, mounts[name] == nil {
                do {
                    guard let source = try await source(volume, name) else { return false }
                    mounts[name] = source
                } catch let problem as KubeletProblem {
                    await services.event(
                        pod, .warning, "FailedMount", "MountVolume.SetUp failed for volume \"\(name)\" : \(problem.message)")
                    let before = services.store.revision
                    let isChanged = await services.wait(for: [.secrets, .configMaps]) { $0.revision > before ? true : nil }
                    if isChanged == nil { return false }
                } catch {
                    await services.event(pod, .warning, "FailedMount", "MountVolume.SetUp failed for volume \"\(name)\" : \(error)")
                    return false
                }
            }
        }
        return !Task.isCancelled
    }

    /// Where a volume lies and what has to be there; `nil` when the pod ends before it is.
    private func source(_ volume: JSONValue, _ name: String) async throws -> VolumeSource? {
        if let claim = volume[path: "persistentVolumeClaim", "claimName"]?.string {
            guard let bound = await attachedVolume(claim) else { return nil }
            mountedVolumes.append(bound)
            return VolumeSource(path: try services.machine.makeFolder("volumes/\(bound)"))
        }
        if let path = volume[path: "hostPath", "path"]?.string {
            // In a folder of the node's own: the host's files stay out of reach.
            let inside = "/" + Self.parts(path).joined(separator: "/")
            return VolumeSource(
                path: "\(services.machine.directory)/nodes/\(services.nodeName)\(inside)",
                kind: .host(type: volume[path: "hostPath", "type"]?.string ?? "", path: inside))
        }
        let folder = "pods/\(uid)/volumes/\(name)"
        let path = try services.machine.makeFolder(folder)
        let environment = PodEnvironment(
            pod: pod, state: try services.store.read { $0 }, hostIP: services.address, makeToken: services.makeToken)
        if let files = try environment.files(volume, podIP: podIP ?? "") {
            for (file, content) in files {
                let parts = Self.parts(file)
                guard let last = parts.last else { continue }
                try services.machine.write(content, to: last, in: ([folder] + parts.dropLast()).joined(separator: "/"))
            }
        }
        return VolumeSource(path: path)
    }

    /// The names of a path, without those that lead back.
    private static func parts(_ path: String) -> [String] { path.split(separator: "/").map(String.init).filter { $0 != ".." && $0 != "." } }

    /// The claim's volume once it is attached to this node; says so in the node's `volumesInUse` first.
    private func attachedVolume(_ claim: String) async -> String? {
        let key = ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: claim)
        let node = services.nodeName
        let volume = await services.wait(for: [.persistentVolumeClaims]) { state -> String? in
            guard let claim = state[key], claim.phase == "Bound" else { return nil }
            return claim[path: "spec", "volumeName"]?.string
        }
        guard let volume else { return nil }
        let isAttached = await services.wait(for: [.volumeAttachments]) { state -> Bool? in
            state.list(.volumeAttachments).contains {
                $0[path: "spec", "source", "persistentVolumeName"]?.string == volume && $0.nodeName == node
                    && $0[path: "status", "attached"]?.bool == true
            } ? true : nil
        }
        guard isAttached != nil else { return nil }
        setInUse(volume, true)
        return volume
    }

    private func setInUse(_ volume: String, _ isInUse: Bool) {
        let name = JSONValue.string(FolderVolume.uniqueName(volume))
        _ = try? services.store.modify(ObjectKey(.nodes, name: services.nodeName), part: .status) { node in
            var volumes = node[path: "status", "volumesInUse"]?.array ?? []
            volumes.removeAll { $0 == name }
            if isInUse { volumes.append(name) }
            node[path: "status", "volumesInUse"] = volumes.isEmpty ? nil : .array(volumes)
        }
    }

    /// Gives the volumes back, unless another pod of this node still has them.
    func unmount() {
        let node = services.nodeName
        for volume in mountedVolumes {
            let isShared = services.store.list(.pods).contains { other in
                other.uid != uid && other.nodeName == node && !other.isFinished
                    && other.claimNames.contains { name in
                        let claim = services.store[ObjectKey(.persistentVolumeClaims, namespace: other.namespace, name: name)]
                        return claim?[path: "spec", "volumeName"]?.string == volume
                    }
            }
            if !isShared { setInUse(volume, false) }
        }
        mountedVolumes = []
        // The files that the pod wrote outside of its volumes go with it.
        try? FileManager.default.removeItem(atPath: "\(services.machine.directory)/pods/\(uid)")
    }

    func takeAddress() {
        guard podIP == nil else { return }
        podIP = pod[path: "spec", "hostNetwork"]?.bool == true ? services.address : services.podAddresses.take()
    }

    func releaseAddress() {
        if let podIP, podIP != services.address { services.podAddresses.give(back: podIP) }
    }

    func containerMounts(_ container: JSONValue) throws -> [ContainerSpecification.Mount] {
        var result: [ContainerSpecification.Mount] = []
        let address = podIP ?? services.address
        let hosts = try services.machine.write("127.0.0.1 localhost\n\(address) \(hostName)\n".utf8, to: "hosts", in: "pods/\(uid)")
        result.append(.init(hostPath: hosts, path: "/etc/hosts", isReadOnly: false))
        for mount in container["volumeMounts"]?.array ?? [] {
            let name = mount["name"]?.string ?? ""
            guard var source = mounts[name] else { throw KubeletProblem("CreateContainerConfigError", "volume \"\(name)\" is not mounted") }
            if let part = mount["subPath"]?.string, !part.isEmpty {
                let inside = Self.parts(part).joined(separator: "/")
                source = VolumeSource(path: "\(source.path)/\(inside)", kind: source.kind.entering(inside))
            }
            let volume = (pod[path: "spec", "volumes"]?.array ?? []).first { $0["name"]?.string == name }
            let isFixed = ["secret", "configMap", "downwardAPI", "projected"].contains { volume?[$0] != nil }
            result.append(
                .init(
                    hostPath: source.path, path: mount["mountPath"]?.string ?? "/mnt",
                    isReadOnly: isFixed || mount["readOnly"]?.bool == true, kind: source.kind))
        }
        return result
    }
}

/// Where a volume lies.
struct VolumeSource: Sendable {
    let path: String
    var kind = ContainerSpecification.Mount.Kind.present
}

extension ContainerSpecification.Mount.Kind {
    /// The same for what is inside of it (`subPath`): a folder unless there is something else.
    fileprivate func entering(_ part: String) -> Self {
        switch self {
        case .present, .folder: .folder
        case .host(_, let path): .host(type: "", path: path == "/" ? "/\(part)" : "\(path)/\(part)")
        }
    }
}
