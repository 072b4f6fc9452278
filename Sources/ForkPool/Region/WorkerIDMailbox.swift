// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Where a process finds out which worker it is to be: a word to sleep on, and a number that damage does not look like.
///
/// Two processes that took themselves for the same worker would overwrite each other's results.
@safe struct WorkerIDMailbox: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    /// What a worker's number is added to: known to the parent and to the process, and to no wild write.
    let key: UInt64

    private var word: UnsafeMutablePointer<Atomic<UInt32>> {
        unsafe base.assumingMemoryBound(to: Atomic<UInt32>.self)
    }
    private var number: UnsafeMutablePointer<Atomic<UInt64>> {
        unsafe (base + 8).assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    /// Takes back what a process before was told.
    func clear() {
        unsafe number.pointee.store(0, ordering: .relaxed)
    }

    /// Tells the process which worker it is to be.
    func assign(_ worker: Int) {
        unsafe number.pointee.store(key &+ UInt64(bitPattern: Int64(worker + 1)), ordering: .releasing)
        wake()
    }

    private func wake() {
        _ = unsafe word.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent)
        _ = unsafe cforkpool_futex_wake(futex(word), 1)
    }

    /// Tells the process to end.
    func dismiss() {
        assign(-2)
    }

    /// Tells the process to end if it is no worker yet.
    func dismissSpare() {
        let none = unsafe number.pointee.compareExchange(
            expected: 0, desired: key &+ UInt64(bitPattern: -1), ordering: .acquiringAndReleasing)
        guard none.exchanged else { return }
        wake()
    }

    /// Sleeps until there is an assignment to one of so many workers; nil if the process is to end, as where its parent has ended.
    func wait(below workers: Int) -> Int? {
        let time = cforkpool_orphan_check_time()
        while true {
            let seen = unsafe word.pointee.load(ordering: .sequentiallyConsistent)
            let worker = unsafe number.pointee.load(ordering: .acquiring) &- key
            if worker == .max { return nil }
            if worker > 0, worker <= UInt64(workers) { return Int(worker) - 1 }
            _ = unsafe cforkpool_futex_wait(futex(word), seen, time)
            // Its number may never have reached what would end it.
            if time >= 0, cforkpool_is_orphan() { return nil }
        }
    }
}
