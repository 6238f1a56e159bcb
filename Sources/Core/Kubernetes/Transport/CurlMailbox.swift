import CCurl
import Synchronization

/// The requests of the tasks to the transport's thread.
enum CurlCommand: Sendable {
    case start(id: Int, CurlRequest, CheckedContinuation<Result<CurlResponse, CurlFailure>, Never>)
    case resume(Int)
    case cancel(Int)
    case shutDown
}

/// The way from any task to the thread that runs libcurl.
final class CurlMailbox: Sendable {
    private struct State {
        var commands: [CurlCommand] = []
        var multi: MultiHandle?
    }

    /// `curl_multi_wakeup` is the one function of libcurl that any thread may call on a multi handle in use; the rest is the thread's.
    struct MultiHandle: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private let state: Mutex<State>

    init(_ multi: MultiHandle) {
        state = Mutex(State(multi: multi))
    }

    func post(_ command: CurlCommand) {
        let isClosed = state.withLock { state in
            guard let multi = state.multi else { return true }
            state.commands.append(command)
            // Under the lock, because `close` must not free the handle in between.
            curl_multi_wakeup(multi.pointer)
            return false
        }
        if isClosed, case .start(_, _, let continuation) = command { continuation.resume(returning: .failure(.cancelled)) }
    }

    func take() -> [CurlCommand] {
        state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// After this nobody wakes the thread any more and its handle can be freed.
    func close() -> [CurlCommand] {
        state.withLock { state in
            defer { state = State() }
            return state.commands
        }
    }
}
