public import Journal
public import NIOCore
import Synchronization

extension EventLoop {
    /// Suspends until `time` of `clock`. Returns at once if it has passed, and early if the task is cancelled.
    ///
    /// It uses the loop's own timer, which wakes the thread that continues the work; the concurrency runtime's timers do not.
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
