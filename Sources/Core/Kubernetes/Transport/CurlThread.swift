import CCurl
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The thread that runs a transport's loop, and is over, with all that it keeps for OpenSSL, when ``end()`` returns.
///
/// However the process ends, and even if a task or a signal's handler still holds a transport then, the threads are over
/// first: OpenSSL frees its locks at exit, under whoever uses it then. `Foundation.Thread` cannot be waited for.
final class CurlThread: Sendable {
    private let mailbox: CurlMailbox
    private let id: Mutex<pthread_t?>

    /// Those that have not ended.
    private static let running = Mutex<[ObjectIdentifier: CurlThread]>([:])

    /// libcurl's own start, once per process.
    private static let isReady: Bool = {
        guard curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK else { return false }
        // The handlers of exit run in the reverse order of their registration, so this one before OpenSSL's, which is there by now.
        return atexit { CurlThread.endAll() } == 0
    }()

    static func start() throws(CurlFailure) -> CurlThread {
        guard isReady, let pointer = curl_multi_init() else {
            throw CurlFailure(code: CURLE_FAILED_INIT.rawValue, text: "libcurl does not start")
        }
        let multi = CurlMailbox.MultiHandle(pointer: pointer)
        let mailbox = CurlMailbox(multi)
        let loop = Unmanaged.passRetained(CurlLoop(multi: multi, mailbox: mailbox))
        var id = pthread_t()
        let failure = pthread_create(
            &id, nil,
            { context in
                context.map { Unmanaged<CurlLoop>.fromOpaque($0).takeRetainedValue().run() }
                return nil
            }, loop.toOpaque())
        guard failure == 0 else {
            loop.release()
            curl_multi_cleanup(pointer)
            throw CurlFailure(code: CURLE_FAILED_INIT.rawValue, text: "no thread for libcurl: \(String(cString: strerror(failure)))")
        }
        let thread = CurlThread(mailbox, id)
        running.withLock { $0[ObjectIdentifier(thread)] = thread }
        return thread
    }

    private init(_ mailbox: CurlMailbox, _ id: pthread_t) {
        self.mailbox = mailbox
        self.id = Mutex(id)
    }

    func post(_ command: CurlCommand) { mailbox.post(command) }

    /// Cancels what is under way, closes the connections, and returns when the thread is over.
    func end() {
        mailbox.post(.shutDown)
        id.withLock { id in
            if let joined = id { pthread_join(joined, nil) }
            id = nil
        }
        Self.running.withLock { $0[ObjectIdentifier(self)] = nil }
    }

    private static func endAll() {
        for thread in running.withLock({ Array($0.values) }) { thread.end() }
    }
}
