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
    /// Whether the record says when an item begins.
    @usableFromInline let timesItems: Bool
    private let record: WorkerRecord
    private let destination: BlockWriter.Destination
    private let blocks: BlockWriter

    init(
        record: WorkerRecord, destination: BlockWriter.Destination, layout: BatchLayout, stopsAtFailure: Bool,
        timesItems: Bool, blocks: BlockWriter
    ) {
        self.record = record
        self.destination = destination
        unsafe position = record.position
        unsafe lowestFailure = destination.slot.lowestFailure
        unsafe states = layout.states
        unsafe slots = layout.slots
        self.stopsAtFailure = stopsAtFailure
        self.timesItems = timesItems
        self.blocks = blocks
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

    /// Publishes that the worker begins `item`; returns false if a failure at a lower index makes the item needless.
    @_alwaysEmitIntoClient @inline(__always)
    func begin(_ item: Int) -> Bool {
        guard unsafe lowestFailure.pointee.load(ordering: .relaxed) > item else { return false }
        if timesItems { beginTimed(item) } else { unsafe position.pointee.store(item, ordering: .relaxed) }
        return true
    }

    @usableFromInline
    func beginTimed(_ item: Int) {
        record.begin(timed: item)
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
            let extent = try blocks.write(value, to: destination)
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
        blocks.write(error: thrown.described(by: error), of: item, to: destination)
        unsafe states[item].store(ItemState.described, ordering: .releasing)
        return continues
    }

    /// Publishes that the item's input does not decode; returns whether to continue.
    func failedToDecode(_ error: any Error, at item: Int) -> Bool {
        fail(item, WorkerError(decoding: error), ItemState.described)
    }

    private func fail(_ item: Int, _ error: WorkerError, _ state: UInt8) -> Bool {
        blocks.write(error: error, of: item, to: destination)
        unsafe states[item].store(state, ordering: .releasing)
        guard stopsAtFailure else { return true }
        _ = unsafe lowestFailure.pointee.min(item, ordering: .sequentiallyConsistent)
        return false
    }
}
