// SPDX-License-Identifier: Apache-2.0
extension ForkPool {
    /// Workers that start once, for one body, and stay, so that a call costs microseconds.
    ///
    /// Each input is copied once, into shared memory, and results are read from there. Any number of threads and tasks
    /// may use it at once; calls take turns, so that a short one does not wait for a long one. If a worker ends,
    /// another replaces it, and only its current item fails.
    ///
    /// ```swift
    /// let adder = try ForkPool().resident { (pair: (Int, Int)) in pair.0 + pair.1 }
    /// let sums = try adder.map([(1, 2), (3, 4)])
    /// let sum = try adder((5, 6))
    /// adder.close()
    /// ```
    ///
    /// The pool ends by `close()`, which finishes submitted work, or by `cancel()`, which does not; releasing the last
    /// reference cancels it. Its workers end with this process, even if that is killed. Where several jobs share the workers
    /// (`resident(_:_:_:start:)`), each of these ends the work of its job, and the last one ends the workers.
    public final class Resident<Input, Output>: Sendable {
        let owner: PoolOwner
        /// The pool of `owner`.
        let pool: Pool
        /// What the calls, maps and streams of this pool ask for; `with(_:)` gives a pool that asks for something else.
        public let callOptions: ForkPool.CallOptions
        let rules: CallRules
        /// The shape of a batch of several calls; nil if each call is a batch of its own.
        let gathering: Batch.Shape?
        @usableFromInline let input: WireFormat<Input>
        @usableFromInline let output: WireFormat<Output>

        init(
            owner: PoolOwner, input: WireFormat<Input>, output: WireFormat<Output>,
            _ callOptions: ForkPool.CallOptions, journal: JournalRequest? = nil
        ) {
            self.owner = owner
            pool = owner.pool
            self.callOptions = callOptions
            var rules = CallRules(callOptions)
            rules.journal = journal
            self.rules = rules
            self.input = input
            self.output = output
            gathering = Batch.Shape.gathering(input, output, job: owner.job, rules, pool.options)
        }

        /// The number of workers, which several jobs may share.
        public var workers: Int { pool.layout.workers }

        /// Finishes submitted work, ends the workers, and returns when no worker is left.
        ///
        /// Blocks the calling thread; async code uses `finish()`. Later calls fail as `closed`. Has no effect on a pool that was
        /// already closed or cancelled. While other jobs share the workers it returns when the work of its own job is finished.
        /// It waits for a `setUp`, the making of a state and a `tearDown` too, however long these take; `cancel()` ends them.
        ///
        /// - Precondition: The caller is not a progress handler, because the workers would wait for it.
        @available(*, noasync, message: "close() blocks the thread; use await finish(), or cancel() in a defer")
        public func close() {
            pool.close(owner.over, of: owner.job)
        }

        /// Does the same as `close()` without blocking a thread.
        nonisolated(nonsending) public func finish() async {
            // If the system refuses a thread for the wait, wait here.
            let result = await BlockingThread.run { [owner] _ in owner.pool.close(owner.over, of: owner.job) }
            if case .failure = result { pool.close(owner.over, of: owner.job) }
        }

        /// Ends the workers at once, and returns when no worker is left.
        ///
        /// Submitted work that is not done fails as `cancelled`; later calls fail as `closed`. While other jobs share the
        /// workers, only those that are on an item of this job end, and others replace them.
        public func cancel() {
            pool.cancel(owner.over, of: owner.job, because: "was cancelled")
        }
    }
}
