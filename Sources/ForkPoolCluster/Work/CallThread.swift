// SPDX-License-Identifier: Apache-2.0
internal import ForkPool
internal import Glibc
internal import Synchronization

/// The thread that makes the calls of a cluster for async code, since MPI lets one thread of a process call it.
@usableFromInline
@safe package final class CallThread: @unchecked Sendable {
    private enum Step {
        case call(ThreadWork)
        /// The end of the async program, with what it threw.
        case end((any Error)?)
    }

    /// What the thread has not begun yet.
    private var steps: [Step] = []
    private var isOver = false
    private let lock = Mutex<Void>(())
    /// Counts the steps.
    private let count = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        unsafe sem_init(count, 0, 0)
    }

    deinit {
        unsafe sem_destroy(count)
        unsafe count.deallocate()
    }

    /// Makes the calls on this thread, one after the other, until the end.
    ///
    /// - Throws: What the async program threw.
    func serve() throws {
        while true {
            // A signal's handler may interrupt the wait.
            while unsafe sem_wait(count) != 0 {}
            switch lock.withLock({ _ in steps.removeFirst() }) {
            case .call(let work): work.run()
            case .end(let error?): throw error
            case .end(nil): return
            }
        }
    }

    /// Makes a call on the thread while the task is suspended.
    @usableFromInline
    nonisolated(nonsending) func run<T, E: Error>(_ call: () throws(E) -> T) async throws(E) -> T {
        let made: nonisolated(nonsending) (@escaping () throws(E) -> T) async -> Result<T, E> = { call in
            nonisolated(unsafe) let call = call
            let outcome = Outcome<T, E>()
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let work = ThreadWork {
                    do throws(E) {
                        outcome.result = .success(unsafe try call())
                    } catch {
                        outcome.result = .failure(error)
                    }
                } then: {
                    continuation.resume()
                }
                self.hand(over: .call(work))
            }
            return outcome.result!
        }
        return try await withoutActuallyEscaping(call, do: made).get()
    }

    /// Ends `serve`, with what the async program threw.
    func end(_ error: (any Error)?) { hand(over: .end(error)) }

    /// Makes the calls that came too late, which refuse themselves.
    func close() {
        let late = lock.withLock { _ in
            isOver = true
            return exchange(&steps, with: [])
        }
        for case .call(let work) in late { work.run() }
    }

    private func hand(over step: Step) {
        let isLate = lock.withLock { _ in
            if !isOver { steps.append(step) }
            return isOver
        }
        guard isLate, case .call(let work) = step else {
            unsafe sem_post(count)
            return
        }
        work.run()
    }
}

/// What a call returned or threw: the task reads it after the thread resumed it.
private final class Outcome<T, E: Error> {
    var result: Result<T, E>?
}
