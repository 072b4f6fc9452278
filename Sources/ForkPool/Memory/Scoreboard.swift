public import Synchronization

/// One worker's line of the scoreboard: where it is, for the parent to read when the worker has ended.
///
/// A line has 128 bytes, two cache lines, so that no two workers write to the same one (nor to a prefetched
/// neighbour). The worker writes; the parent checks whatever it reads, once, before it uses it.
@usableFromInline
@safe struct ScoreLine {
    static let size = 128

    @usableFromInline let base: UnsafeMutableRawPointer

    init(base: UnsafeMutableRawPointer) {
        unsafe self.base = base
    }

    private func word(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + number * 8).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// The item that the worker is on or was on last; -1 before the first.
    @usableFromInline var position: UnsafeMutablePointer<Atomic<Int>> {
        unsafe base.assumingMemoryBound(to: Atomic<Int>.self)
    }
    /// The end of the claimed range; 0 while there is none.
    var end: UnsafeMutablePointer<Atomic<Int>> { unsafe word(1) }
    /// One of the `Finish` values: how the worker left its loop, if it did.
    var finish: UnsafeMutablePointer<Atomic<Int>> { unsafe word(2) }
    /// Bytes used at the front of the worker's arena.
    var arenaUsed: UnsafeMutablePointer<Atomic<Int>> { unsafe word(3) }
    /// The newest report in the worker's arena, as its offset plus one; 0 if there is none.
    var newestReport: UnsafeMutablePointer<Atomic<Int>> { unsafe word(4) }

    /// What the worker is to run before it claims, written by the parent: a range that another one left.
    var leftoverStart: UnsafeMutablePointer<Atomic<Int>> { unsafe word(5) }
    var leftoverEnd: UnsafeMutablePointer<Atomic<Int>> { unsafe word(6) }

    /// Makes the line that of a worker whose arena is empty.
    func clear() {
        begin(leftover: nil)
        unsafe arenaUsed.pointee.store(0, ordering: .relaxed)
        unsafe newestReport.pointee.store(0, ordering: .relaxed)
    }

    /// Makes the line that of a worker that has not begun, and keeps what its arena holds.
    func begin(leftover: Range<Int>?) {
        unsafe position.pointee.store(-1, ordering: .relaxed)
        unsafe end.pointee.store(0, ordering: .relaxed)
        unsafe finish.pointee.store(Finish.running, ordering: .relaxed)
        unsafe leftoverStart.pointee.store(leftover?.lowerBound ?? 0, ordering: .relaxed)
        unsafe leftoverEnd.pointee.store(leftover?.upperBound ?? 0, ordering: .relaxed)
    }

    /// Says that the worker claimed `range`.
    ///
    /// The order of the stores keeps every prefix of them true.
    func publish(claim range: Range<Int>) {
        unsafe end.pointee.store(0, ordering: .releasing)
        unsafe position.pointee.store(range.lowerBound, ordering: .releasing)
        unsafe end.pointee.store(range.upperBound, ordering: .sequentiallyConsistent)
    }

    /// How a worker left its loop.
    ///
    /// An exit without one of these is the body's doing.
    enum Finish {
        static let running = 0
        /// Nothing was left to claim, or a failure elsewhere ended the map.
        static let done = 1
    }
}
