import CCurl

/// A task of the loop: a request with its answer, or a connection.
protocol CurlJob: AnyObject {
    var easy: CurlEasy { get }
    /// Sets every option; answers what libcurl refuses.
    func configure() -> CurlFailure?
    /// A socket that libcurl does not watch by itself, and the events to wait for.
    var wait: curl_waitfd? { get }
    /// For how long nothing has to be done unless a socket says so.
    func longestWait(now: ContinuousClock.Instant) -> Duration
    /// Does all that is possible now; answers how the job ended when it did.
    func perform(now: ContinuousClock.Instant) -> Result<Void, CurlFailure>?
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
            performJobs()
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
        let longestWait = jobs.values.reduce(Duration.seconds(60)) { min($0, $1.longestWait(now: now)) }
        var sockets = jobs.values.compactMap(\.wait)
        // Rounded up, so that the loop does not turn shortly before the deadline.
        let milliseconds = Int32((longestWait / .milliseconds(1)).rounded(.up))
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
                add(id, CurlTunnel(id: id, request: request, easy: easy, mailbox: mailbox, continuation: continuation))
            case .send(let id, let bytes): (jobs[id] as? CurlTunnel)?.send(bytes)
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

    private func performJobs() {
        let now = ContinuousClock.now
        for (id, job) in jobs {
            if let result = job.perform(now: now) { remove(id, result) }
        }
    }

    private func remove(_ id: Int, _ result: Result<Void, CurlFailure>) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        ids[job.easy.handle] = nil
        curl_multi_remove_handle(multi, job.easy.handle)
        job.finish(result)
    }
}

extension CurlJob {
    var wait: curl_waitfd? { nil }
}
