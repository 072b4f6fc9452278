// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc

/// Runs blocking code for an async call on a thread of its own.
enum BlockingThread {
    /// Runs `body` on a new thread while the task is suspended, with a descriptor that is readable when the task is
    /// cancelled; fails if the system refuses a thread or a descriptor.
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
                do throws(SystemError) {
                    try ThreadWork.start {
                        unsafe box.result = .success(body(event.descriptor))
                    } then: {
                        unsafe continuation.resume()
                    }
                } catch {
                    unsafe box.result = .failure(error)
                    unsafe continuation.resume()
                }
            }
            // The thread may release the box much later, and the result holds a map's memory.
            return unsafe exchange(&box.result, with: nil)!
        } onCancel: {
            event.notify()
        }
    }
}

/// Carries the result from the thread to the task, which reads it after the thread resumed the continuation.
@unsafe private final class UncheckedBox<T> {
    var result: Result<T, SystemError>?
}

/// The work of a thread of its own, and what follows when the thread holds nothing of the work any more.
package final class ThreadWork {
    private var work: (() -> Void)?
    private let then: () -> Void

    package init(_ work: @escaping () -> Void, then: @escaping () -> Void) {
        self.work = work
        self.then = then
    }

    /// Runs `work` on a new thread, releases it, and then runs `then`: a waiting thread that goes on by that finds no trace
    /// of the work, such as a body that it lent or a pool's memory.
    package static func start(_ work: @escaping () -> Void, then: @escaping () -> Void) throws(SystemError) {
        let context = unsafe Unmanaged.passRetained(ThreadWork(work, then: then))
        let error = unsafe cforkpool_thread(
            { context in
                let thread = unsafe Unmanaged<ThreadWork>.fromOpaque(context).takeRetainedValue()
                thread.run()
            }, context.toOpaque())
        guard error != 0 else { return }
        unsafe context.release()
        throw SystemError(call: "pthread_create", code: -error)
    }

    /// Runs the work on this thread, releases it, and then runs what follows.
    package func run() {
        workOnce()
        then()
    }

    @inline(never)
    private func workOnce() {
        exchange(&work, with: nil)?()
    }
}
