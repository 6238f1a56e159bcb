public import Journal
public import NIOCore
import Synchronization

extension EventLoop {
    /// Suspends until `time` of `clock`; returns at once when it has passed, and early when the task is cancelled.
    ///
    /// The loop's own timer: it wakes the thread that goes on with the work, which the concurrency runtime's timers do not.
    public func sleep(until time: RunTime, of clock: RunClock) async {
        let remaining = time - clock.now
        guard remaining > .zero else { return }
        let timer = Mutex<Scheduled<Void>?>(nil)
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let scheduled = scheduleTask(in: .nanoseconds(remaining.wholeNanoseconds)) {}
                scheduled.futureResult.whenComplete { _ in continuation.resume() }
                timer.withLock { $0 = scheduled }
                // The handler below may have run before there was a timer.
                if Task.isCancelled { scheduled.cancel() }
            }
        } onCancel: {
            timer.withLock { $0 }?.cancel()
        }
    }
}
