internal import CForkPool
internal import Synchronization

extension ForkPool {
    /// Workers that are started once, for one body, and stay warm: a call costs microseconds.
    ///
    /// Each input is copied once, into shared memory, and each result is read from there, as in a map of the pool. Any
    /// number of threads and tasks may use it at once; calls take turns, so that a short one does not wait for a long one.
    /// A worker that ends is replaced, and costs its item alone.
    ///
    /// ```swift
    /// let adder = try ForkPool().resident { (pair: Pair) in pair.x + pair.y }
    /// let sums = try adder.map(pairs)
    /// let sum = try adder(pair)
    /// adder.close()
    /// ```
    ///
    /// It ends by `close()`, which finishes what was begun, by `cancel()`, which does not, or with its last reference, as
    /// by `cancel()`. Its workers end with this process, however that ends.
    public final class Resident<Input, Output>: Sendable {
        let pool: Pool
        let over: PrivateEvent
        @usableFromInline let input: WireFormat<Input>
        @usableFromInline let output: WireFormat<Output>

        init(pool: Pool, over: PrivateEvent, input: WireFormat<Input>, output: WireFormat<Output>) {
            self.pool = pool
            self.over = over
            self.input = input
            self.output = output
        }

        deinit {
            pool.cancel(over, because: "was dropped")
        }

        /// The number of workers.
        public var workers: Int { pool.layout.workers }

        /// Finishes what was submitted, ends the workers and returns when none of them is left.
        ///
        /// Blocks the calling thread. What is submitted from now on fails as `closed`. A pool that was closed or
        /// cancelled already stays so.
        ///
        /// - Precondition: It is not called from a progress handler, for which the workers would wait.
        public func close() {
            pool.close(over)
        }

        /// Does the same as `close()` without blocking a thread.
        nonisolated(nonsending) public func finish() async {
            // A refusal of the thread that waits leaves waiting here.
            let result = await BlockingThread.run { [pool, over] _ in pool.close(over) }
            if case .failure = result { pool.close(over) }
        }

        /// Ends the workers at once and returns when none of them is left.
        ///
        /// What was submitted and is not done fails as `cancelled`; what is submitted from now on fails as `closed`.
        public func cancel() {
            pool.cancel(over, because: "was cancelled")
        }
    }
}
