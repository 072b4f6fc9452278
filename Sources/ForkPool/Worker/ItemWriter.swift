// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// Publishes what a worker does with the items of a batch: its position, results and errors.
///
/// The order is always the same: the position before the body, the bytes before the state. So a worker that dies leaves
/// a position that names its item, and a slot that reads as unfinished, never as a torn value.
@usableFromInline
@safe struct ItemWriter {
    @usableFromInline let position: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let lowestFailure: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let states: UnsafeMutablePointer<Atomic<UInt8>>
    @usableFromInline let slots: UnsafeMutableRawPointer
    @usableFromInline let stopsAtFailure: Bool
    /// Whether more than the position is told when an item begins: its time, or that the item before has ended.
    @usableFromInline let reportsItems: Bool
    /// Whether the record says when an item begins.
    private let timesItems: Bool
    /// By which a body claims more, if it may.
    @usableFromInline var quickClaims: UnsafePointer<QuickClaims>?
    /// What waits for the end of each item, and what tells tasks of it; nil if only the end of the batch is waited for.
    private let ends: (item: FutexEvent, notices: FutexEvent)?
    private let record: WorkerRecord
    private let destination: BlockWriter.Destination
    /// Kept by `WorkerMain`: a fresh child that retained it would copy a page.
    private unowned(unsafe) let blocks: BlockWriter

    init(
        record: WorkerRecord, destination: BlockWriter.Destination, layout: BatchLayout, stopsAtFailure: Bool,
        timesItems: Bool, ends: (item: FutexEvent, notices: FutexEvent)?, blocks: BlockWriter
    ) {
        self.record = record
        self.destination = destination
        unsafe position = record.position
        unsafe lowestFailure = destination.slot.lowestFailure
        unsafe states = layout.states
        unsafe slots = layout.slots
        self.stopsAtFailure = stopsAtFailure
        self.timesItems = timesItems
        self.ends = ends
        reportsItems = timesItems || ends != nil
        unsafe self.blocks = blocks
    }

    /// Runs `body`, which publishes an item's result, on each item of a range; both return whether to continue.
    @_alwaysEmitIntoClient @inline(__always)
    func run(_ range: Range<Int>, _ body: (_ item: Int) throws -> Bool) -> Bool {
        for item in range {
            guard begin(item) else { return false }
            do {
                guard try body(item) else { return false }
            } catch {
                guard threw(error, at: item) else { return false }
            }
        }
        return true
    }

    /// Claims more items for a body that has run its range; nil if it is to return.
    @inlinable @inline(__always)
    func claimMore() -> Range<Int>? {
        guard let quickClaims = unsafe quickClaims else { return nil }
        return unsafe quickClaims.pointee.next()
    }

    /// Publishes that the worker begins `item`; returns false if a failure at a lower index makes the item needless.
    @_alwaysEmitIntoClient @inline(__always)
    func begin(_ item: Int) -> Bool {
        guard unsafe lowestFailure.pointee.load(ordering: .relaxed) > item else { return false }
        if reportsItems { beginReported(item) } else { unsafe position.pointee.store(item, ordering: .relaxed) }
        return true
    }

    @usableFromInline
    func beginReported(_ item: Int) {
        signalEnd()
        if timesItems { record.begin(timed: item) } else { unsafe position.pointee.store(item, ordering: .relaxed) }
    }

    /// Wakes what waits for the end of the item before, if anything does: one fence, and no system call if nothing waits.
    @inline(__always)
    func signalEnd() {
        guard let ends else { return }
        if ends.item.signal().contains(.tasks) { ends.notices.signal() }
    }

    /// Publishes a result that is a bit pattern, whether or not its type says so here.
    @_alwaysEmitIntoClient @inline(__always)
    func store<R>(_ value: R, at item: Int) {
        let slot = unsafe slots + item &* MemoryLayout<R>.stride
        unsafe slot.assumingMemoryBound(to: R.self).initialize(to: value)
        finish(item)
    }

    /// Publishes that the item's slot has its value.
    @_alwaysEmitIntoClient @inline(__always)
    func finish(_ item: Int) {
        unsafe states[item].store(ItemState.value, ordering: .releasing)
    }

    /// Publishes a coded result; returns whether to continue.
    @usableFromInline
    func encode<R: Encodable>(_ value: R, at item: Int) -> Bool {
        do {
            let extent = try unsafe blocks.write(value, to: destination)
            unsafe slots.storeBytes(of: extent, toByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self)
            finish(item)
            return true
        } catch {
            return fail(item, WorkerError(encoding: error), ItemState.described)
        }
    }

    /// Publishes that the body threw; returns whether to continue.
    @usableFromInline
    func threw(_ error: any Error, at item: Int) -> Bool {
        // Publish the failure first: the error's own description may trap or hang.
        let thrown = WorkerError(throwing: error)
        let continues = fail(item, thrown, ItemState.failed)
        unsafe blocks.write(error: thrown.described(by: error), of: item, to: destination)
        unsafe states[item].store(ItemState.described, ordering: .releasing)
        return continues
    }

    /// Publishes that the item's input does not decode; returns whether to continue.
    @usableFromInline
    func failedToDecode(_ error: any Error, at item: Int) -> Bool {
        fail(item, WorkerError(decoding: error), ItemState.described)
    }

    private func fail(_ item: Int, _ error: WorkerError, _ state: UInt8) -> Bool {
        unsafe blocks.write(error: error, of: item, to: destination)
        unsafe states[item].store(state, ordering: .releasing)
        guard stopsAtFailure else { return true }
        _ = unsafe lowestFailure.pointee.min(item, ordering: .sequentiallyConsistent)
        return false
    }
}
