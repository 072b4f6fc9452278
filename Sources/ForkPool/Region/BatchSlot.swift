// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A place in shared memory at which one batch after another is offered to the workers; README.md says how it changes hands.
@safe struct BatchSlot: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    /// The words that workers only read, in memory that they cannot write to.
    let description: UnsafeMutableRawPointer
    let workers: Int

    static func size(workers: Int) -> Int { 384 + AtomicBitset.size(capacity: workers) }
    static let descriptionSize = 128

    private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + offset).assumingMemoryBound(to: Atomic<Int>.self)
    }

    private func described(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (description + 8 * number).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The next item to claim, alone on its cache line.
    var cursor: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0) }

    /// The end of the items that may be claimed.
    var limit: UnsafeMutablePointer<Atomic<Int>> { unsafe described(0) }
    /// The lowest index that failed, where a failure ends the batch; `Int.max` if there is none, -1 after a cancel.
    var lowestFailure: UnsafeMutablePointer<Atomic<Int>> { unsafe word(136) }
    var count: UnsafeMutablePointer<Atomic<Int>> { unsafe described(1) }
    /// Where the states, the slots and the inputs begin, in bytes from the region's start.
    var states: UnsafeMutablePointer<Atomic<Int>> { unsafe described(2) }
    var slots: UnsafeMutablePointer<Atomic<Int>> { unsafe described(3) }
    var inputs: UnsafeMutablePointer<Atomic<Int>> { unsafe described(4) }
    var flags: UnsafeMutablePointer<Atomic<Int>> { unsafe described(5) }
    /// The number that marks the batch's blocks in the arenas; never 0.
    var tag: UnsafeMutablePointer<Atomic<Int>> { unsafe described(6) }
    /// The number of the attempt at the first item.
    var attempt: UnsafeMutablePointer<Atomic<Int>> { unsafe described(7) }
    /// Bytes from one result slot to the next.
    var slotStride: UnsafeMutablePointer<Atomic<Int>> { unsafe described(8) }
    /// The end of the heap's bytes that have pages which a fresh worker maps by one call; 0 where workers stay.
    var warmEnd: UnsafeMutablePointer<Atomic<Int>> { unsafe described(9) }
    /// How many workers are to give way to other maps in all, and from when on in nanoseconds of the monotonic clock.
    var recalled: UnsafeMutablePointer<Atomic<Int>> { unsafe described(10) }
    var recallTime: UnsafeMutablePointer<Atomic<Int>> { unsafe described(11) }
    /// The number of the batch's job, above 32 bits of the batch's tag.
    private var jobNumber: UnsafeMutablePointer<Atomic<Int>> { unsafe described(12) }
    /// Workers begin with the batch that has the highest number here.
    var priority: UnsafeMutablePointer<Atomic<Int>> { unsafe described(13) }
    /// The number of the call or map of the pool that the batch belongs to, and that of the batch's first item there.
    var call: UnsafeMutablePointer<Atomic<Int>> { unsafe described(14) }
    var firstItem: UnsafeMutablePointer<Atomic<Int>> { unsafe described(15) }
    /// How many workers gave way.
    var gaveWay: UnsafeMutablePointer<Atomic<Int>> { unsafe word(144) }

    /// Twice the batch's tag; one more when the batch is done.
    var phase: UnsafeMutablePointer<Atomic<Int>> { unsafe word(256) }
    /// The offset of the newest error in an arena, plus one; 0 if there is none.
    var newestError: UnsafeMutablePointer<Atomic<Int>> { unsafe word(264) }
    /// The workers in whose arenas a block bears the batch's tag, as `ArenaUsers`.
    var arenaUsers: UnsafeMutablePointer<Atomic<Int>> { unsafe word(272) }
    var ended: FutexEvent { unsafe FutexEvent(at: base + 280) }

    /// The workers that may be on an item of the batch.
    var inside: AtomicBitset { unsafe AtomicBitset(at: base + 384, capacity: workers) }

    /// Whether some items are not claimed yet.
    ///
    /// A damaged cursor claims nothing. The parent then finds the items without an outcome and offers them again.
    var hasUnclaimed: Bool {
        let next = unsafe cursor.pointee.load(ordering: .relaxed)
        return unsafe next >= 0 && next < limit.pointee.load(ordering: .relaxed)
    }

    enum Flags {
        static let stopsAtFailure = 1
        static let signalsItems = 2
        /// Whether a worker's record says when an item begins.
        static let timesItems = 4
        /// Whether each item is a call of its own.
        static let gathersCalls = 8
        /// Whether some items had their results before the batch was offered.
        static let hasResults = 16
    }

    func setJob(_ job: Int, tag: Int) {
        unsafe jobNumber.pointee.store(job << 32 | tag, ordering: .relaxed)
    }

    /// Reads the number of the batch's job; -1 if it is damaged, as the tag beside it then shows.
    func job(tag: Int) -> Int {
        let word = unsafe jobNumber.pointee.load(ordering: .relaxed)
        return word >= 0 && word & 0xFFFF_FFFF == tag ? word >> 32 : -1
    }

    /// Whether a worker is to give way that stayed until `earliest`, in nanoseconds of the monotonic clock.
    func recalls(noEarlierThan earliest: Int) -> Bool {
        let count = unsafe recalled.pointee.load(ordering: .acquiring)
        guard count > 0, unsafe gaveWay.pointee.load(ordering: .relaxed) < count else { return false }
        return unsafe monotonicNanoseconds() >= max(earliest, recallTime.pointee.load(ordering: .relaxed))
    }

    /// Takes the part of one worker that is to give way; returns false if others did.
    func takeRecall() -> Bool {
        let count = unsafe recalled.pointee.load(ordering: .acquiring)
        var seen = unsafe gaveWay.pointee.load(ordering: .relaxed)
        while seen < count {
            let (isTaken, original) = unsafe gaveWay.pointee.compareExchange(
                expected: seen, desired: seen + 1, ordering: .relaxed)
            if isTaken { return true }
            seen = original
        }
        return false
    }

    /// Forgets what an earlier map's workers were to give way for.
    func resetRecalls() {
        unsafe recalled.pointee.store(0, ordering: .relaxed)
        unsafe gaveWay.pointee.store(0, ordering: .relaxed)
    }

    /// Whether the batch with a tag is done, or the slot has gone to another one.
    func isDone(tag: Int) -> Bool {
        unsafe phase.pointee.load(ordering: .sequentiallyConsistent) != 2 * tag
    }

    /// Publishes that the batch with a tag is done, if the slot is still its own; as `FutexEvent.signal`.
    @discardableResult
    func finish(tag: Int) -> FutexEvent.Sleepers {
        _ = unsafe phase.pointee.compareExchange(
            expected: 2 * tag, desired: 2 * tag + 1, ordering: .sequentiallyConsistent)
        return ended.signal()
    }
}
