internal import CForkPool

extension ForkPool {
    /// The worker that a body runs in.
    public struct Worker: Sendable, Equatable {
        /// The worker's number, from 0.
        ///
        /// It is less than the pool's `workers`. A worker that replaces another has the same number.
        public let index: Int
        /// The process id.
        public let pid: Int32
        /// The number of this attempt at the item, from 1.
        public let attempt: Int
    }

    /// The worker that this code runs in; nil in any other process.
    public static var worker: Worker? {
        let worker = cforkpool_get_worker()
        guard worker.index >= 0 else { return nil }
        return Worker(index: Int(worker.index), pid: worker.pid, attempt: Int(worker.attempt))
    }
}
