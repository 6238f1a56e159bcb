import CCurl

/// The thread that owns libcurl's multi handle and every transfer on it.
final class CurlLoop {
    private let multi: UnsafeMutableRawPointer
    private let mailbox: CurlMailbox
    private var transfers: [Int: CurlTransfer] = [:]
    private var ids: [UnsafeMutableRawPointer: Int] = [:]

    init(multi: CurlMailbox.MultiHandle, mailbox: CurlMailbox) {
        self.multi = multi.pointer
        self.mailbox = mailbox
    }

    func run() {
        var running: Int32 = 0
        while handleCommands() {
            curl_multi_perform(multi, &running)
            finishDone()
            // Ends early for libcurl's own timers, for the sockets and for `curl_multi_wakeup`.
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for id in transfers.keys.sorted() { remove(id, .failure(.cancelled)) }
        let late = mailbox.close()
        curl_multi_cleanup(multi)
        for case .start(_, _, let continuation) in late { continuation.resume(returning: .failure(.cancelled)) }
    }

    /// Is `true` while the loop is to go on.
    private func handleCommands() -> Bool {
        for command in mailbox.take() {
            switch command {
            case .start(let id, let request, let continuation):
                guard let transfer = CurlTransfer(id: id, request: request, mailbox: mailbox, continuation: continuation) else {
                    continuation.resume(returning: .failure(CurlFailure(code: CURLE_OUT_OF_MEMORY.rawValue, text: "out of memory")))
                    continue
                }
                transfers[id] = transfer
                ids[transfer.handle] = id
                if let failure = transfer.configure() {
                    remove(id, .failure(failure))
                } else {
                    curl_multi_add_handle(multi, transfer.handle)
                }
            case .resume(let id): transfers[id]?.resume()
            case .cancel(let id): remove(id, .failure(.cancelled))
            case .shutDown: return false
            }
        }
        return true
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle, let id = ids[handle] else { continue }
            let code = curl_message_result(message)
            let failure = transfers[id].flatMap { $0.failure(code) }
            remove(id, failure.map(Result.failure) ?? .success(()))
        }
    }

    private func remove(_ id: Int, _ result: Result<Void, CurlFailure>) {
        guard let transfer = transfers.removeValue(forKey: id) else { return }
        ids[transfer.handle] = nil
        curl_multi_remove_handle(multi, transfer.handle)
        transfer.finish(result)
    }
}
