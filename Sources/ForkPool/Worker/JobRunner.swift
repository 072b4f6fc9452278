// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Runs a job's methods, which may be async, on the calling thread.
final class JobRunner {
    let body: BatchBody
    let setUp: () throws -> Void
    let tearDown: () -> Void

    init<J: ForkPool.Job>(_ job: J) {
        let executor = ThreadExecutor()
        let claims = ClaimTask(on: executor) { claim in await job._run(claim) }
        body = { range, writer, inputs in
            unsafe withUnsafePointer(to: _JobClaim.Tools(writer, inputs)) { tools in
                claims.run(unsafe _JobClaim(range, tools: tools))
            }
        }
        setUp = { try executor.run { try await job.setUp() } }
        tearDown = { try? executor.run { await job.tearDown() } }
    }

    /// Runs an async function once in the parent: a child should not be the first to use a type.
    static func warmUp() {
        _ = try? ThreadExecutor().run { await Task.yield() }
    }
}

/// A task that runs one claim after another: a task for each costs as much as some hundred short items.
///
/// The worker's thread gives it a claim and drives it until that is done; one of the two has the state at a time.
@safe private final class ClaimTask: @unchecked Sendable {
    @safe private struct State {
        var claim: _JobClaim?
        var continues = false
        /// Resumes the task with the next claim; nil while no task waits for one.
        var next: UnsafeContinuation<Void, Never>?
    }

    private let executor: ThreadExecutor
    private let work: (_JobClaim) async -> Bool
    /// Behind a pointer: the runtime's checks of a class's variable would cost each claim more than the access.
    private let state: UnsafeMutablePointer<State>
    private let isDone = Atomic(false)

    init(on executor: ThreadExecutor, _ work: @escaping (_JobClaim) async -> Bool) {
        self.executor = executor
        self.work = work
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Has the task run a claim; returns whether to continue.
    func run(_ claim: _JobClaim) -> Bool {
        unsafe state.pointee.claim = claim
        isDone.store(false, ordering: .relaxed)
        if let next = unsafe exchange(&state.pointee.next, with: nil) {
            unsafe next.resume()
        } else {
            Task.detached(executorPreference: executor) { await self.runClaims() }
        }
        executor.drive(until: isDone)
        return unsafe state.pointee.continues
    }

    private func runClaims() async {
        while let claim = unsafe exchange(&state.pointee.claim, with: nil) {
            unsafe state.pointee.continues = await work(claim)
            // An item that cancels its own task cancels no claim but its own.
            guard !Task.isCancelled else { return finish() }
            await unsafe withUnsafeContinuation { next in
                unsafe state.pointee.next = next
                finish()
            }
        }
    }

    private func finish() {
        isDone.store(true, ordering: .releasing)
        executor.wake()
    }
}
