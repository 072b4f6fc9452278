// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

extension WorkerLoop {
    /// Makes a worker's surroundings those of a call; returns false if the call was cancelled.
    ///
    /// The claim is published, and then the state read: either this worker sees the cancellation, or the parent sees the claim.
    func begins(call: Int, _ part: Range<Int>, _ layout: BatchLayout) -> Bool {
        let item = part.lowerBound
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        // The kill may be for the call before, which was cancelled: this one has not begun.
        record.waitIfKillRequested()
        if item == layout.limit - 1 {
            // The next calls may be offered, whatever this one takes.
            if unsafe region.backlog.pointee.load(ordering: .sequentiallyConsistent) != 0 { region.notices.signal() }
        }
        // The numbers of the calls follow one another, and each has one item.
        cforkpool_set_call(Int64(call &+ item), Int64(-item))
        return unsafe layout.states[item].load(ordering: .sequentiallyConsistent) != ItemState.lost
    }
}
