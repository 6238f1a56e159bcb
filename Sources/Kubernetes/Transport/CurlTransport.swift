import CCurl
import Dispatch
import Foundation
import Synchronization

/// HTTP over libcurl's multi interface: one thread of its own drives all transfers, so that no thread of Swift's pool ever waits.
final class CurlTransport: Sendable {
    private let mailbox: CurlMailbox
    private let nextID = Atomic<Int>(0)
    private let ended = DispatchSemaphore(value: 0)

    /// libcurl's own start, once per process.
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    init() throws(CurlFailure) {
        guard Self.isReady, let pointer = curl_multi_init() else {
            throw CurlFailure(code: CURLE_FAILED_INIT.rawValue, text: "libcurl does not start")
        }
        let multi = CurlMailbox.MultiHandle(pointer: pointer)
        let mailbox = CurlMailbox(multi)
        self.mailbox = mailbox
        let thread = Thread { [ended] in
            CurlLoop(multi: multi, mailbox: mailbox).run()
            ended.signal()
        }
        thread.name = "kubernetes-http"
        thread.start()
    }

    /// Waits for the thread, which only closes its connections then: a process that ends at once would take OpenSSL away under it,
    /// for OpenSSL frees its locks when the process exits.
    deinit {
        mailbox.post(.shutDown)
        ended.wait()
    }

    /// Sends a request and returns as soon as the answer's head is there.
    func start(_ request: CurlRequest) async throws(CurlFailure) -> CurlResponse {
        let id = nextID.wrappingAdd(1, ordering: .relaxed).newValue
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                mailbox.post(.start(id: id, request, continuation))
                // A cancellation from before this point found nothing to cancel.
                if Task.isCancelled { mailbox.post(.cancel(id)) }
            }
        } onCancel: {
            mailbox.post(.cancel(id))
        }
        return try result.get()
    }
}
