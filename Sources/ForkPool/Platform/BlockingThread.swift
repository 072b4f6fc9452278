internal import CForkPool
internal import Glibc

/// Runs blocking code for an async call on a thread of its own.
enum BlockingThread {
    /// Runs `body` on a new thread while the task is suspended.
    ///
    /// - Parameter body: Gets a descriptor that becomes readable when the task is cancelled.
    /// - Returns: What `body` returns, or the error if the system refuses a thread or a descriptor.
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

/// The work of one thread.
@unsafe private class ThreadWork {
    var work: (() -> Void)?
    var done: UnsafeContinuation<Void, Never>?

    func run() {
        // Release what the work holds before the caller continues: a body that it lent must not outlive the call.
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

/// Carries the result from the thread to the task, which reads it after the thread resumed the continuation.
@unsafe private final class UncheckedBox<T>: ThreadWork {
    var result: Result<T, SystemError>?

    /// Removes the result from the box: the thread may release the box much later, and the result holds a map's memory.
    func takeResult() -> Result<T, SystemError> {
        defer { unsafe result = nil }
        return unsafe result!
    }
}
