// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Runs tasks on the thread that waits for them: a forked worker has no other.
final class ThreadExecutor: TaskExecutor {
    /// What is enqueued, and what the thread took to run: each has memory of its own, so that neither allocates again.
    private struct Jobs {
        var waiting: [UnownedJob] = []
        private var taken: [UnownedJob] = []

        mutating func take() -> [UnownedJob] {
            taken.removeAll(keepingCapacity: true)
            swap(&waiting, &taken)
            return taken
        }
    }

    private let jobs = Locked(Jobs())
    private let pending = PrivateSignal()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.waiting.append(job) }
        pending.signal()
    }

    /// Runs a task, and what it enqueues, until it has ended.
    func run<T>(_ body: @escaping () async throws -> T) throws -> T {
        // One thread makes the task, runs it and takes its result.
        nonisolated(unsafe) let body = body
        let result = unsafe ResultBox<T>()
        Task.detached(executorPreference: self) {
            do { unsafe result.value = .success(try await body()) } catch { unsafe result.value = .failure(error) }
            unsafe result.isReady.store(true, ordering: .releasing)
            self.wake()
        }
        drive(until: unsafe result.isReady)
        return unsafe try result.value!.get()
    }

    /// Runs what is enqueued until `isDone`, which a task sets before it calls `wake`.
    func drive(until isDone: borrowing Atomic<Bool>) {
        while true {
            let taken = jobs.withLock { $0.take() }
            for job in taken { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            if isDone.load(ordering: .acquiring) { return }
            if taken.isEmpty {
                cforkpool_note_awaiting(true)
                pending.wait(while: { jobs.withLock { $0.waiting.isEmpty } && !isDone.load(ordering: .acquiring) })
                cforkpool_note_awaiting(false)
            }
        }
    }

    func wake() {
        pending.signal()
    }
}

/// Carries a result from a task to the thread that waits for it.
@unsafe private final class ResultBox<T>: @unchecked Sendable {
    var value: Result<T, any Error>?
    let isReady = Atomic(false)
}
