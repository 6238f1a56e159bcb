import Experiment
import Journal
import Kubernetes

/// Fills the volume to its last block with a file beside the databases.
struct DiskFullFault: FaultInjection {
    static let kind = "diskFull"
    static let summary = "Fills the claim's volume to its last block by a file, by exec."
    static let fields: [Format.Field] = [
        .optional("duration", .positive, .duration(.seconds(30)), "The time after which the file is removed."),
        .optional("mountPath", .text, "Where the claim is mounted in the container. Needed only where the container mounts several."),
        .optional(
            "maximum", .string(pattern: "^[0-9.]+[A-Za-z]*$", meaning: "an amount as 10Gi"),
            "Write no more than this. Required for a volume that others share: the fault is refused if more than this is free."),
        .optional("timeout", .positive, .duration(.seconds(300)), "The time limit of filling the volume."),
    ]
    static let manual = [
        FaultManual(
            "`diskFull`", happens: "the claim's volume is filled to its last block by a file of ours, for `duration`",
            proof: "no block is free, and a write of 4 KiB ends with ENOSPC", restored: "the file; the mark is on the Lease",
            restoredProof: "it is gone, and a write of 4 KiB works")
    ]
    static var undoActions: [any UndoAction.Type] { [RemoveFill.self] }

    let duration: Duration
    let mountPath: String?
    let maximum: String?
    let timeout: Duration

    init(_ fields: FormatValue, options: FaultOptions) {
        duration = fields.requiredDuration("duration")
        mountPath = fields.text("mountPath")
        maximum = fields.text("maximum")
        timeout = fields.requiredDuration("timeout")
    }

    /// A server may survive a full disk.
    var sparesInstance: Bool { true }

    var undoAfter: Duration? { duration }

    func plan(_ target: FaultTarget) -> [String] {
        let bound = maximum.map { ", with \($0) at most" } ?? ""
        return [
            "fill the volume\(mountPath.map { " at \($0)" } ?? "") of pod \(target.namespace)/\(target.pod) to its last block\(bound), by exec in container \(target.container)",
            "remove the file after \(duration.text)",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] { ContainerShell.permissions(in: scope.namespace) }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let target = subject.instance
        let place = try place(in: subject.pod, target.container)
        let shell = ContainerShell(subject.client, target)
        let table = MountTable(try await shell.run("cat /proc/self/mountinfo", []))
        let free = try await Self.freeKiB(of: place.path, shell)
        var most: Int64?
        if let maximum {
            guard let bytes = Quantity.bytes(maximum) else { throw FaultError(.refused, "'\(maximum)' is not an amount of bytes") }
            most = bytes / 1024
        }
        switch table.sharing(of: place.path) {
        case .nobody: break
        case .node(let reason):
            throw FaultError(
                .refused, "\(reason), as in the sandbox: filling it would fill the node's disk",
                hint: "use a storage class whose volumes are filesystems of their own")
        case .others(let reason):
            guard most != nil else {
                throw FaultError(
                    .refused, "\(reason): filling it would hit others as well",
                    hint: "use a volume that is a filesystem of its own, or allow so much by fault.diskFull.maximum")
            }
        }
        if let most, free > most {
            throw FaultError(
                .refused,
                "\(free) KiB are free on \(place.path), and fault.diskFull.maximum allows \(most) KiB: the volume would not be full",
                hint: "raise maximum, or use a smaller volume")
        }
        return [
            PreflightCheck(
                name: "fault", status: .passed, message: "it would write \(free) KiB to the claim \(place.claim), mounted on \(place.path)")
        ]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let pod = try await context.client.get(Pod.self, target.pod, in: target.namespace)
        let place = try place(in: pod, target.container)
        let undo = RemoveFill(
            namespace: target.namespace, lease: target.lease, container: target.container, claim: place.claim, runID: context.runID)
        let intent = try context.intend(undo)
        try await context.mark(Lease.self, target.lease, in: target.namespace, with: intent)
        let most = maximum.flatMap(Quantity.bytes) ?? .max
        let shell = ContainerShell(context.client, target)
        return try await shell.run(
            Self.script, [place.path, undo.file, "\(most / 1024)", undo.processes], deadline: timeout
        ).split(separator: "\n").joined(separator: "; ")
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let pod = try await context.client.get(Pod.self, target.pod, in: target.namespace)
        let place = try place(in: pod, target.container)
        let shell = ContainerShell(context.client, target)
        let free = try await Self.freeKiB(of: place.path, shell)
        let result = try await shell.execute(RemoveFill.writeScript, [place.path])
        let words = result.errorText.split(separator: "\n").joined(separator: "; ")
        let isFull = !result.isSuccess && words.contains("No space left on device")
        return FaultEffect(
            proven: isFull,
            evidence: [
                "\(free) KiB are free on \(place.path)",
                isFull ? "a write of 4 KiB ends with: \(words)" : "a write of 4 KiB works, or fails otherwise: \(words)",
            ])
    }

    /// Returns the claim to fill, and its path in the container.
    private func place(in pod: Pod, _ container: String) throws(FaultError) -> (claim: String, path: String) {
        let all = RemoveFill.claims(of: pod, container)
        let wanted = mountPath.map { path in all.filter { $0.path == path } } ?? all
        guard let place = wanted.first, wanted.count == 1 else {
            let known = all.map { "\($0.claim) on \($0.path)" }.joined(separator: ", ")
            throw FaultError(
                .refused, "which claim of container \(container) to fill is not clear: it mounts \(known.isEmpty ? "none" : known)",
                hint: "set fault.diskFull.mountPath")
        }
        return place
    }

    static func freeKiB(of path: String, _ shell: ContainerShell) async throws -> Int64 {
        let text = try await shell.run(#"set -- $(df -P -k "$1" | tail -n 1); echo "$4""#, [path])
        guard let free = Int64(text.filter { !$0.isWhitespace }) else {
            throw FaultError(.notInjected, "df does not tell the free space of \(path): \(text)", hint: "the container needs df and tail")
        }
        return free
    }

    /// Fills the volume twice, because the server may free blocks meanwhile. A filesystem with fallocate reserves most blocks without
    /// writing them.
    private static let script = """
        dir=$1 file=$1/$2 most=$3 \(ContainerShell.mark)=$4
        export \(ContainerShell.mark)
        free() { set -- $(df -P -k "$dir" | tail -n 1); echo "$4"; }
        before=$(free)
        [ "$before" -le "$most" ] || { echo "$before KiB are free on $dir, more than the $most KiB that are allowed" >&2; exit 3; }
        [ "$before" -le 2048 ] || fallocate -l "$((before - 1024))K" "$file" 2>/dev/null
        for i in 1 2; do
          head -c "$(($(free) * 1024 + 1048576))" /dev/zero >>"$file" 2>/dev/null
        done
        [ -e "$file" ] || { echo "no file can be made in $dir" >&2; exit 3; }
        set -- $(ls -l "$file")
        echo "$file has $5 bytes; $before KiB were free on $dir, now $(free)"
        """
}
