// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Runs a job's methods, which may be async, on the calling thread.
final class JobRunner {
    let body: BatchBody
    let setUp: () throws -> Void
    let tearDown: () -> Void

    init<J: ForkPool.Job>(_ job: J) {
        let executor = ThreadExecutor()
        // One task runs a whole range: a task costs as much as some hundred short items.
        body = { range, writer, inputs in
            (try? executor.run { await Self.run(job, range, writer, inputs) }) ?? false
        }
        setUp = { try executor.run { try await job.setUp() } }
        tearDown = { try? executor.run { await job.tearDown() } }
    }

    private static func run<J: ForkPool.Job>(
        _ job: J, _ range: Range<Int>, _ writer: ItemWriter, _ inputs: BatchInputs
    ) async -> Bool {
        let (input, output) = (WireFormat<J.Input>.ofJob, WireFormat<J.Output>.ofJob)
        for item in range {
            guard writer.begin(item) else { return false }
            if !input.isPlain, inputs.isMissing(item) { continue }
            let value: J.Input
            do {
                value = input.isPlain ? inputs.load(item, as: J.Input.self) : try inputs.decode(item, as: J.Input.self)
            } catch {
                guard writer.failedToDecode(error, at: item) else { return false }
                continue
            }
            do {
                let result = try await job.run(value)
                if output.isPlain {
                    writer.store(result, at: item)
                } else {
                    guard writer.encode(result, at: item) else { return false }
                }
            } catch {
                guard writer.threw(error, at: item) else { return false }
            }
        }
        return true
    }

    /// Runs an async function once in the parent: a child should not be the first to use a type.
    static func warmUp() {
        _ = try? ThreadExecutor().run { await Task.yield() }
    }
}

/// Runs tasks on the thread that waits for them: a forked worker has no other.
final class ThreadExecutor: TaskExecutor {
    private let jobs = Locked<[UnownedJob]>([])
    private let pending = PrivateSignal()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        pending.signal()
    }

    func run<T>(_ body: @escaping () async throws -> T) throws -> T {
        // One thread makes the task, runs it and takes its result.
        nonisolated(unsafe) let body = body
        let result = unsafe ResultBox<T>()
        Task.detached(executorPreference: self) {
            do { unsafe result.value = .success(try await body()) } catch { unsafe result.value = .failure(error) }
            unsafe result.isReady.store(true, ordering: .releasing)
            self.pending.signal()
        }
        while true {
            let waiting = jobs.withLock { exchange(&$0, with: []) }
            for job in waiting { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            if unsafe result.isReady.load(ordering: .acquiring) { return unsafe try result.value!.get() }
            if waiting.isEmpty {
                cforkpool_note_awaiting(true)
                pending.wait(while: {
                    unsafe jobs.withLock { $0.isEmpty } && !result.isReady.load(ordering: .acquiring)
                })
                cforkpool_note_awaiting(false)
            }
        }
    }
}

/// Carries a result from a task to the thread that waits for it.
@unsafe private final class ResultBox<T>: @unchecked Sendable {
    var value: Result<T, any Error>?
    let isReady = Atomic(false)
}
