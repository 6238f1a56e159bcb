public import NIOCore

/// Runs tasks on an event loop's own thread.
///
/// Probes run on the loop whose sockets they wait for. An answer is recorded without waking another thread, which saves processor time
/// and keeps the timing independent of the load on the concurrency pool.
public final class EventLoopTaskExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    public init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedTaskExecutor()
        eventLoop.execute { job.runSynchronously(on: executor) }
    }
}
