public import NIOCore

/// Runs tasks on an event loop's own thread.
///
/// Probes live on the loop whose sockets they wait for: an answer is noted without a thread being woken for it, which keeps the harness
/// cheap, and keeps its timing apart from whatever else the concurrency pool is busy with.
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
