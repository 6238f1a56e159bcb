import CCurl
import Synchronization

typealias CurlContinuation<Value: Sendable> = CheckedContinuation<Result<Value, CurlFailure>, Never>

/// The requests of the tasks to the transport's thread.
enum CurlCommand: Sendable {
    /// A request; the answer's head is waited for.
    case start(id: Int, CurlRequest, CurlContinuation<CurlResponse>)
    /// A mere connection.
    case connect(id: Int, CurlRequest, CurlContinuation<CurlConnection>)
    case send(Int, [UInt8])
    case resume(Int)
    case cancel(Int)
    case shutDown

    /// Tells whoever waits for the command that it will not be carried out.
    func refuse(_ failure: CurlFailure = .cancelled) {
        switch self {
        case .start(_, _, let continuation): continuation.resume(returning: .failure(failure))
        case .connect(_, _, let continuation): continuation.resume(returning: .failure(failure))
        case .send, .resume, .cancel, .shutDown: break
        }
    }
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
        if isClosed { command.refuse() }
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
