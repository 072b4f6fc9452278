internal import CForkPool
internal import Glibc

/// Runs the blocking part of a map for async code on a thread of its own, and rings a bell when the task is
/// cancelled.
enum WatchThread {
    /// Runs `body` on a new thread while the task is suspended.
    ///
    /// - Parameter body: Gets a descriptor that becomes readable when the task is cancelled.
    /// - Returns: What `body` returns; a refusal if there is no thread or no descriptor to be had.
    static nonisolated(nonsending) func run<T>(
        _ body: @escaping (_ doorbell: Int32) -> Result<T, ForkPool.Failure>
    ) async -> Result<T, ForkPool.Failure> {
        let bell: Int32
        do {
            bell = try SystemError.check("eventfd") { cforkpool_eventfd() }
        } catch {
            return .failure(ForkPool.Failure(refused: error, index: nil))
        }
        defer { close(bell) }
        let box = unsafe UncheckedBox<T>()
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                unsafe box.work = { [box] in unsafe box.result = body(bell) }
                unsafe box.done = continuation
                let context = unsafe Unmanaged.passRetained(box)
                let error = unsafe cforkpool_thread(
                    { unsafe Unmanaged<ThreadWork>.fromOpaque($0).takeRetainedValue().run() }, context.toOpaque())
                guard error != 0 else { return }
                unsafe context.release()
                let refusal = SystemError(call: "pthread_create", code: -error)
                unsafe box.work = nil
                unsafe box.result = .failure(ForkPool.Failure(refused: refusal, index: nil))
                unsafe continuation.resume()
            }
            return unsafe box.takeResult()
        } onCancel: {
            cforkpool_eventfd_notify(bell)
        }
    }
}

/// What a thread runs: once.
@unsafe private class ThreadWork {
    var work: (() -> Void)?
    var done: UnsafeContinuation<Void, Never>?

    func run() {
        // What the work holds is let go before the caller goes on: it lent a body that must not outlive the call.
        unsafe workOnce()
        unsafe done!.resume()
    }

    @inline(never)
    private func workOnce() {
        let work = unsafe self.work
        unsafe self.work = nil
        work?()
    }
}

/// Carries the result from the thread to the task, which reads it after the continuation was resumed.
@unsafe private final class UncheckedBox<T>: ThreadWork {
    var result: Result<T, ForkPool.Failure>?

    /// Leaves nothing here: the thread may let go of the box much later, and the result holds a map's memory.
    func takeResult() -> Result<T, ForkPool.Failure> {
        defer { unsafe result = nil }
        return unsafe result!
    }
}
