import Kubernetes

/// A process inside a container. The start time tells it from a later process with the same pid.
struct ContainerProcess: Sendable, Hashable {
    var pid: Int
    var parent: Int
    /// Field 22 of `/proc/PID/stat`, in clock ticks since boot.
    var startTime: String
    /// Field 3 of `/proc/PID/stat`; `T` is stopped.
    var state: String
}

/// Reads and signals processes inside a container by exec. Needs `/proc`, and `sh` and `cat` in the image.
///
/// Source for the fields: proc(5), `/proc/[pid]/stat`.
struct ContainerProcesses: Sendable {
    let shell: ContainerShell

    private static let listScript = """
        for d in /proc/[0-9]*; do
          read -r comm 2>/dev/null <"$d/comm" || continue
          [ "$comm" = "$1" ] || continue
          stat=$(cat "$d/stat" 2>/dev/null) || continue
          pid=${d#/proc/}
          set -- "$1" ${stat##*) }
          echo "$pid $3 ${21} $2"
        done
        """

    private static let signalScript = """
        stat=$(cat "/proc/$2/stat" 2>/dev/null) || { echo "process $2 is gone" >&2; exit 3; }
        signal=$1 pid=$2 start=$3
        set -- ${stat##*) }
        [ "${20}" = "$start" ] || { echo "process $pid has been replaced by another one" >&2; exit 3; }
        kill -s "$signal" "$pid"
        """

    /// Returns the running processes of a name, lowest pid first, without zombies.
    func named(_ name: String) async throws -> [ContainerProcess] {
        let output = try await shell.run(Self.listScript, [name])
        return output.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").map(String.init)
            guard fields.count == 4, let pid = Int(fields[0]), let parent = Int(fields[1]), fields[3] != "Z" else { return nil }
            return ContainerProcess(pid: pid, parent: parent, startTime: fields[2], state: fields[3])
        }.sorted { $0.pid < $1.pid }
    }

    /// Sends a signal, unless another process has the pid now.
    ///
    /// If the container ends with the process, the shell that sent the signal is killed too, and its exit code may be lost. The fault's
    /// proof shows later whether the signal arrived.
    func signal(_ signal: String, to process: ContainerProcess) async throws {
        let result = try await shell.execute(Self.signalScript, [signal, "\(process.pid)", process.startTime])
        if !Self.mayHaveEndedWithItsContainer(result.outcome) { _ = try shell.text(result) }
    }

    static func mayHaveEndedWithItsContainer(_ outcome: ExecResult.Outcome) -> Bool {
        switch outcome {
        // 128 and the number of SIGKILL.
        case .exited(let code): code == 137
        case .unknown: true
        case .failed: false
        }
    }
}
