import JSON
import SandboxStore

/// The API server's requests to a pod.
extension PodWorker {
    func logs(_ container: String, _ options: LogOptions) throws(APIError) -> ContainerLog.Reader {
        let entry = live[container]
        if options.previous {
            let hasPrevious = entry?.namespace == nil ? entry?.log : entry?.previousLog
            guard let log = entry?.previousLog ?? (records[container]?.restartCount ?? 0 > 0 ? hasPrevious : nil) else {
                throw .badRequest("previous terminated container \"\(container)\" in pod \"\(pod.name)\" not found")
            }
            return log.read(options)
        }
        guard let log = entry?.log else { throw waiting(container) }
        return log.read(options)
    }

    func exec(_ container: String, _ request: ExecRequest) throws(APIError) -> any ExecSession {
        guard let namespace = live[container]?.namespace else {
            if records[container]?.terminated != nil {
                throw APIError(500, "InternalError", "container not running (\(container)): it has ended")
            }
            throw APIError(500, "InternalError", "unable to upgrade connection: container not found (\"\(container)\")")
        }
        return namespace.exec(request.command, wantsInput: request.stdin, hasTerminal: request.tty)
    }

    private func waiting(_ container: String) -> APIError {
        let reason = records[container]?.state[path: "waiting", "reason"]?.string ?? "ContainerCreating"
        return .badRequest("container \"\(container)\" in pod \"\(pod.name)\" is waiting to start: \(reason)")
    }
}
