internal import CForkPool

extension ForkPool {
    /// Which worker a body runs in.
    public struct Worker: Sendable, Equatable {
        /// The worker's number, from 0.
        ///
        /// It is below the pool's `workers`. One that replaces another has its number.
        public let index: Int
        /// The process id.
        public let pid: Int32
        /// Which attempt at the item this is, from 1.
        public let attempt: Int
    }

    /// The worker that this code runs in; nil outside of one.
    public static var worker: Worker? {
        let worker = cforkpool_get_worker()
        guard worker.index >= 0 else { return nil }
        return Worker(index: Int(worker.index), pid: worker.pid, attempt: Int(worker.attempt))
    }
}
