internal import CForkPool
internal import Glibc

/// Runs the blocking part of a call for async code on a thread of its own.
enum BlockingThread {
    /// Runs `body` on a new thread while the task is suspended.
    ///
    /// - Parameter body: Gets a descriptor that becomes readable when the task is cancelled.
    /// - Returns: What `body` returns; the refusal if there is no thread or no descriptor.
    static nonisolated(nonsending) func run<T>(
        _ body: @escaping (_ cancelled: Int32) -> T
    ) async -> Result<T, SystemError> {
        let event: EventFD
        do {
            event = try EventFD()
        } catch {
            return .failure(error)
        }
        let box = unsafe UncheckedBox<T>()
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                unsafe box.work = { [box] in unsafe box.result = .success(body(event.descriptor)) }
                unsafe box.done = continuation
                let context = unsafe Unmanaged.passRetained(box)
                let error = unsafe cforkpool_thread(
                    { unsafe Unmanaged<ThreadWork>.fromOpaque($0).takeRetainedValue().run() }, context.toOpaque())
                guard error != 0 else { return }
                unsafe context.release()
                let refusal = SystemError(call: "pthread_create", code: -error)
                unsafe box.work = nil
                unsafe box.result = .failure(refusal)
                unsafe continuation.resume()
            }
            return unsafe box.takeResult()
        } onCancel: {
            event.notify()
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
    var result: Result<T, SystemError>?

    /// Leaves nothing here: the thread may let go of the box much later, and the result holds a map's memory.
    func takeResult() -> Result<T, SystemError> {
        defer { unsafe result = nil }
        return unsafe result!
    }
}
