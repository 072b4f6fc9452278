// SPDX-License-Identifier: Apache-2.0
internal import CForkPool

extension ForkPool {
    /// The worker that a body runs in.
    public struct Worker: Sendable, Equatable {
        /// The number of the worker, from 0.
        ///
        /// It is less than `ForkPool.workers`. A replacement has the number of the worker that it replaces.
        public let index: Int
        /// The process ID.
        public let pid: Int32
        /// The number of the attempt at the item, from 1.
        public let attempt: Int
    }

    /// The worker that this code runs in; nil outside of a worker.
    public static var worker: Worker? {
        let worker = cforkpool_get_worker()
        guard worker.index >= 0 else { return nil }
        return Worker(index: Int(worker.index), pid: worker.pid, attempt: Int(worker.attempt))
    }
}
