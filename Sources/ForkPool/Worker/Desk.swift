public import Synchronization

/// A worker's place at the region: what it says of each item, and where it puts the item's result.
///
/// The order is always the same: the position before the body, the bytes before the state. So a worker that dies
/// leaves a slot that reads as unfinished, never as a torn value, and a position that names the item it was on.
@usableFromInline
@safe struct Desk {
    @usableFromInline let position: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let lowestFailure: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let states: UnsafeMutablePointer<Atomic<UInt8>>
    @usableFromInline let slots: UnsafeMutableRawPointer
    /// Whether the first failure ends the map.
    @usableFromInline let stopsAtFailure: Bool
    /// Whether it is told when an item begins.
    @usableFromInline let timesItems: Bool
    private let line: ScoreLine
    private let worker: Int
    private let arena: any ResultWriter

    init(memory: MapMemory, worker: Int, stopsAtFailure: Bool, timesItems: Bool, arena: ArenaWriter) {
        unsafe self.init(
            line: memory.line(worker), lowestFailure: memory.lowestFailure, states: memory.states,
            slots: memory.slots, stopsAtFailure: stopsAtFailure, timesItems: timesItems, worker: worker, arena: arena)
    }

    init(
        line: ScoreLine, lowestFailure: UnsafeMutablePointer<Atomic<Int>>,
        states: UnsafeMutablePointer<Atomic<UInt8>>, slots: UnsafeMutableRawPointer, stopsAtFailure: Bool,
        timesItems: Bool, worker: Int, arena: any ResultWriter
    ) {
        self.line = line
        unsafe position = line.position
        unsafe self.lowestFailure = lowestFailure
        unsafe self.states = states
        unsafe self.slots = slots
        self.stopsAtFailure = stopsAtFailure
        self.timesItems = timesItems
        self.worker = worker
        self.arena = arena
    }

    /// Says that the worker is about to run the body on `item`; returns false if a failure below made it needless.
    @inlinable @inline(__always)
    func begin(_ item: Int) -> Bool {
        guard unsafe lowestFailure.pointee.load(ordering: .relaxed) > item else { return false }
        if timesItems { beginTimed(item) } else { unsafe position.pointee.store(item, ordering: .relaxed) }
        return true
    }

    @usableFromInline
    func beginTimed(_ item: Int) {
        line.begin(timed: item)
    }

    /// Publishes a result that is a bit pattern.
    @inlinable @inline(__always)
    func store<R: BitwiseCopyable>(_ value: R, at item: Int) {
        unsafe slots.storeBytes(of: value, toByteOffset: item &* MemoryLayout<R>.stride, as: R.self)
        unsafe states[item].store(ItemState.value, ordering: .releasing)
    }

    /// Publishes a result that is a bit pattern, although its type does not say so here.
    func copy<R>(_ value: R, to item: Int) {
        unsafe slots.assumingMemoryBound(to: R.self)[item] = value
        finish(item)
    }

    /// Publishes that the item's slot was written in place.
    @inlinable @inline(__always)
    func finish(_ item: Int) {
        unsafe states[item].store(ItemState.value, ordering: .releasing)
    }

    /// Publishes a result through the coder; returns whether the worker goes on.
    @usableFromInline
    func encode<R: Encodable>(_ value: R, at item: Int) -> Bool {
        do {
            let extent = try arena.write(value, by: worker)
            unsafe slots.storeBytes(of: extent, toByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self)
            // First: a worker after this one must not write where a published result is.
            arena.commit(by: worker)
            unsafe states[item].store(ItemState.value, ordering: .releasing)
            return true
        } catch {
            return fail(item, Report(encoding: error), ItemState.described)
        }
    }

    /// Publishes that the body threw; returns whether the worker goes on.
    @usableFromInline
    func threw(_ error: any Error, at item: Int) -> Bool {
        // What is sure comes first: should the error's own description trap or hang, this much is known already.
        let report = Report(throwing: error)
        let goesOn = fail(item, report, ItemState.failed)
        arena.write(report: report.described(by: error), of: item, by: worker)
        unsafe states[item].store(ItemState.described, ordering: .releasing)
        return goesOn
    }

    /// Publishes that the item's input does not decode; returns whether the worker goes on.
    func undecodable(_ error: any Error, at item: Int) -> Bool {
        fail(item, Report(decoding: error), ItemState.described)
    }

    private func fail(_ item: Int, _ report: Report, _ state: UInt8) -> Bool {
        arena.write(report: report, of: item, by: worker)
        unsafe states[item].store(state, ordering: .releasing)
        guard stopsAtFailure else { return true }
        _ = unsafe lowestFailure.pointee.min(item, ordering: .sequentiallyConsistent)
        return false
    }
}
