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
    /// let adder = try ForkPool().resident { (pair: (Int, Int)) in pair.0 + pair.1 }
    /// let sums = try adder.map([(1, 2), (3, 4)])
    /// let sum = try adder((5, 6))
    /// adder.close()
    /// ```
    ///
    /// It ends by `close()`, which finishes what was begun, by `cancel()`, which does not, or with its last reference, as
    /// by `cancel()`. Its workers end with this process, however that ends.
    public final class Resident<Input, Output>: Sendable {
        let core: ResidentCore
        let over: PrivateEvent
        @usableFromInline let input: Crossing<Input>
        @usableFromInline let output: Crossing<Output>

        init(core: ResidentCore, over: PrivateEvent, input: Crossing<Input>, output: Crossing<Output>) {
            self.core = core
            self.over = over
            self.input = input
            self.output = output
        }

        deinit {
            core.cancel(over, because: "was dropped")
        }

        /// The number of workers.
        public var workers: Int { core.memory.workers }

        /// Finishes what was submitted, ends the workers and returns when none of them is left.
        ///
        /// Blocks the calling thread. What is submitted from now on fails as `closed`. A pool that was closed or
        /// cancelled already stays so.
        ///
        /// - Precondition: It is not called from a progress handler, for which the workers would wait.
        public func close() {
            core.close(over)
        }

        /// Does the same as `close()` without blocking a thread.
        nonisolated(nonsending) public func finish() async {
            // A refusal of the thread that waits leaves waiting here.
            let result = await WatchThread.run { [core, over] _ in
                core.close(over)
                return .success(())
            }
            if case .failure = result { core.close(over) }
        }

        /// Ends the workers at once and returns when none of them is left.
        ///
        /// What was submitted and is not done fails as `cancelled`; what is submitted from now on fails as `closed`.
        public func cancel() {
            core.cancel(over, because: "was cancelled")
        }
    }
}

extension ResidentCore {
    /// Finishes every batch and ends the workers.
    func close(_ over: PrivateEvent) {
        guard isOwn else { return }
        locked { state in if state.refusal == nil { state.refusal = "was closed" } }
        while let batch = locked({ state in state.entries.lazy.compactMap { $0 }.first ?? state.pending.first }) {
            wait(for: batch)
        }
        locked { $0.isClosing = true }
        unsafe memory.closing.pointee.store(1, ordering: .sequentiallyConsistent)
        memory.wake(.max)
        bell.ring()
        over.wait()
    }

    /// Ends every batch and every worker.
    func cancel(_ over: PrivateEvent, because refusal: String) {
        guard isOwn else { return }
        locked { state in
            if state.refusal == nil { state.refusal = refusal }
            condemnAll(.cancelled, &state)
        }
        bell.ring()
        over.wait()
    }
}
