import CCurl

/// A task of the loop: a request with its answer, or a connection.
protocol CurlJob: AnyObject {
    var easy: CurlEasy { get }
    func configure() -> CurlFailure?
    /// The reader has room again.
    func resume()
    /// libcurl has done what it was asked. Returns whether the job is over then.
    func completed() -> Bool
    func finish(_ result: Result<Void, CurlFailure>)
}

/// The thread that owns libcurl's multi handle and every job on it.
final class CurlLoop {
    private let multi: UnsafeMutableRawPointer
    private let mailbox: CurlMailbox
    private var jobs: [Int: any CurlJob] = [:]
    private var tunnels: [Int: CurlTunnel] = [:]
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
            performTunnels()
            wait()
        }
        for id in jobs.keys.sorted() { remove(id, .failure(.cancelled)) }
        let late = mailbox.close()
        curl_multi_cleanup(multi)
        for command in late { command.refuse() }
    }

    /// Ends early for libcurl's own timers, for the sockets and for `curl_multi_wakeup`.
    private func wait() {
        let now = ContinuousClock.now
        let patience = tunnels.values.map { $0.patience(now: now) }.min().map { min($0, .seconds(60)) } ?? .seconds(60)
        var sockets = tunnels.values.compactMap(\.wait)
        // Rounded up: a deadline that has not quite come is no reason to turn.
        let milliseconds = Int32((patience / .milliseconds(1)).rounded(.up))
        curl_multi_poll(multi, &sockets, UInt32(sockets.count), milliseconds, nil)
    }

    /// Is `true` while the loop is to go on.
    private func handleCommands() -> Bool {
        for command in mailbox.take() {
            switch command {
            case .start(let id, let request, let continuation):
                guard let easy = CurlEasy(request) else {
                    command.refuse(.outOfMemory)
                    continue
                }
                add(id, CurlTransfer(id: id, request: request, easy: easy, mailbox: mailbox, continuation: continuation))
            case .connect(let id, let request, let continuation):
                guard let easy = CurlEasy(request) else {
                    command.refuse(.outOfMemory)
                    continue
                }
                let tunnel = CurlTunnel(id: id, request: request, easy: easy, mailbox: mailbox, continuation: continuation)
                tunnels[id] = tunnel
                add(id, tunnel)
            case .send(let id, let bytes): tunnels[id]?.send(bytes)
            case .resume(let id): jobs[id]?.resume()
            case .cancel(let id): remove(id, .failure(.cancelled))
            case .shutDown: return false
            }
        }
        return true
    }

    private func add(_ id: Int, _ job: any CurlJob) {
        jobs[id] = job
        ids[job.easy.handle] = id
        if let failure = job.configure() {
            remove(id, .failure(failure))
        } else {
            curl_multi_add_handle(multi, job.easy.handle)
        }
    }

    private func finishDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle, let id = ids[handle], let job = jobs[id]
            else { continue }
            if let failure = job.easy.failure(curl_message_result(message)) {
                remove(id, .failure(failure))
            } else if job.completed() {
                remove(id, .success(()))
            }
        }
    }

    private func performTunnels() {
        let now = ContinuousClock.now
        for (id, tunnel) in tunnels {
            if let result = tunnel.perform(now: now) { remove(id, result) }
        }
    }

    private func remove(_ id: Int, _ result: Result<Void, CurlFailure>) {
        tunnels[id] = nil
        guard let job = jobs.removeValue(forKey: id) else { return }
        ids[job.easy.handle] = nil
        curl_multi_remove_handle(multi, job.easy.handle)
        job.finish(result)
    }
}
