// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

extension ForkPool {
    /// The worker that a body runs in.
    public struct Worker: Sendable {
        /// The number of the worker, from 0.
        ///
        /// It is less than `ForkPool.workers`. A replacement has the number of the worker that it replaces.
        public let index: Int
        /// The process ID.
        public let pid: Int32
        /// The number of the attempt at the item, from 1.
        public let attempt: Int
        let numbers: Seeds
    }

    /// The worker that this code runs in; nil outside of a worker.
    public static var worker: Worker? {
        guard let worker = unsafe cforkpool_get_current() else { return nil }
        return unsafe Worker(
            index: Int(worker.pointee.identity.index), pid: worker.pointee.identity.pid,
            attempt: Int(worker.pointee.identity.attempt),
            numbers: Seeds(of: worker))
    }

    /// The index, in its batch, of the item that this worker is on; nil between items and outside of a worker.
    package static var currentItem: Int? {
        guard worker != nil, let position = unsafe cforkpool_get_position() else { return nil }
        let item = unsafe position.assumingMemoryBound(to: Atomic<Int>.self).pointee.load(ordering: .relaxed)
        return item >= 0 ? item : nil
    }
}
