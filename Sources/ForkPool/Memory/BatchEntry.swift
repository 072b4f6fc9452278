internal import Synchronization

/// A place at which a batch of items is offered to the workers.
///
/// The parent fills it in and adds it to the open ones. A worker adds itself to `inside` and then looks whether the
/// entry is still open: while it is inside, nothing here changes hands. Whoever is the last to leave an entry that is
/// closed says that the batch is done. Entries are used again and again, so the end of a batch is told by its tag.
@safe struct BatchEntry: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    private let workers: Int

    init(base: UnsafeMutableRawPointer, workers: Int) {
        unsafe self.base = base
        self.workers = workers
    }

    /// The bytes of an entry.
    static func size(workers: Int) -> Int { 384 + WorkerSet.size(capacity: workers) }

    private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + offset).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The next item that nobody claimed.
    var cursor: UnsafeMutablePointer<Atomic<Int>> { unsafe word(0) }

    /// Up to where items may be claimed.
    var limit: UnsafeMutablePointer<Atomic<Int>> { unsafe word(128) }
    /// The lowest index that failed, where a failure ends the batch; `Int.max` if there is none.
    var lowestFailure: UnsafeMutablePointer<Atomic<Int>> { unsafe word(136) }
    /// The number of items.
    var count: UnsafeMutablePointer<Atomic<Int>> { unsafe word(144) }
    /// Where the states, the slots and the inputs begin, in bytes from the region's start.
    var states: UnsafeMutablePointer<Atomic<Int>> { unsafe word(152) }
    var slots: UnsafeMutablePointer<Atomic<Int>> { unsafe word(160) }
    var inputs: UnsafeMutablePointer<Atomic<Int>> { unsafe word(168) }
    /// One of the `Manner` values.
    var manner: UnsafeMutablePointer<Atomic<Int>> { unsafe word(176) }
    /// What the batch's blocks in the arenas are marked with; never 0.
    var tag: UnsafeMutablePointer<Atomic<Int>> { unsafe word(184) }

    /// Which attempt at its first item the batch, or what is offered of it once more, is.
    var attempt: UnsafeMutablePointer<Atomic<Int>> { unsafe word(192) }

    /// Twice the tag of the batch; one more when it is done.
    var phase: UnsafeMutablePointer<Atomic<Int>> { unsafe word(256) }
    /// The newest report, as its offset plus one; 0 if there is none.
    var newestReport: UnsafeMutablePointer<Atomic<Int>> { unsafe word(264) }
    /// Whether any block of an arena bears the batch's tag.
    var usesArenas: UnsafeMutablePointer<Atomic<Int>> { unsafe word(272) }
    /// Signalled when the batch is done.
    var ended: SharedEvent { unsafe SharedEvent(at: base + 280) }

    /// The workers that may be on an item of it.
    var inside: WorkerSet { unsafe WorkerSet(at: base + 384, capacity: workers) }

    /// Whether some items were not claimed when this was asked.
    ///
    /// A cursor that is damaged claims nothing; the items are found to be lost, and offered again.
    var hasUnclaimed: Bool {
        let next = unsafe cursor.pointee.load(ordering: .relaxed)
        return unsafe next >= 0 && next < limit.pointee.load(ordering: .relaxed)
    }

    /// How a batch is run.
    enum Manner {
        /// Whether the first failure ends it.
        static let stopsAtFailure = 1
        /// Whether each item's end is signalled.
        static let signalsItems = 2
    }

    /// Whether the batch with a tag is done; also true when the entry has gone to another one.
    func isDone(tag: Int) -> Bool {
        unsafe phase.pointee.load(ordering: .sequentiallyConsistent) != 2 * tag
    }

    /// Says that the batch with a tag is done, if the entry is still its own, and wakes who waits for that.
    ///
    /// - Returns: Who slept; for tasks the keeper's bell is to be rung.
    @discardableResult
    func finish(tag: Int) -> SharedEvent.Sleepers {
        _ = unsafe phase.pointee.compareExchange(
            expected: 2 * tag, desired: 2 * tag + 1, ordering: .sequentiallyConsistent)
        return ended.signal()
    }
}
