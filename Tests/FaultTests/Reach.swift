// SPDX-License-Identifier: Apache-2.0
import Synchronization

@testable import ForkPool

/// What a body does, and what its wild writes can reach.
///
/// Only this file and `Scribbler` use the library's names for the words of the shared memory.
@safe struct Reach {
    typealias Word = UnsafeMutablePointer<Atomic<Int>>

    /// The item that the body is at.
    let item: Int
    private let writer: ItemWriter
    let layout: RegionLayout
    let slot: BatchSlot
    private let isOneShot: Bool

    init(_ item: Int, _ writer: ItemWriter, _ layout: RegionLayout, isOneShot: Bool) {
        self.item = item
        self.writer = writer
        self.layout = layout
        self.isOneShot = isOneShot
        let number = (0..<layout.batchSlots).first {
            unsafe layout.batchSlot($0).lowestFailure == writer.lowestFailure
        }
        slot = layout.batchSlot(number!)
    }

    var arenas: Arenas { layout.arenas }

    /// The worker that the body runs in.
    static var worker: Int { ForkPool.worker?.index ?? 0 }
    var worker: Int { Self.worker }
}

// MARK: - Results

extension Reach {
    /// Publishes a number as the item's result.
    func give(_ number: Int) { writer.store(number, at: item) }

    /// Publishes a coded result.
    func give<Value: Encodable>(coded value: Value) { _ = writer.encode(value, at: item) }

    /// The possible states of an item.
    enum State {
        static let unfinished = ItemState.unfinished
        static let value = ItemState.value
        static let failed = ItemState.failed
        static let lost = ItemState.lost
        static let described = ItemState.described
    }

    func setState(of item: Int, _ state: UInt8) { unsafe writer.states[item].store(state, ordering: .releasing) }

    /// Overwrites one word of the slots: a number has one word, a coded result two (offset and length).
    func setSlotWord(_ word: Int, _ value: Int) {
        unsafe writer.slots.storeBytes(of: value, toByteOffset: word * 8, as: Int.self)
    }

    /// Overwrites a word of this worker's arena.
    func setArenaWord(at offset: Int, _ value: Int) {
        unsafe arenas.memory(worker).storeBytes(of: value, toByteOffset: offset, as: Int.self)
    }

    /// Overwrites this worker's arena with the head of an error.
    func setError(at offset: Int, of item: Int, previous: Int, length: Int) {
        let link = WorkerErrorLink(item: item, previous: previous, length: length)
        unsafe arenas.memory(worker).storeBytes(of: link, toByteOffset: offset, as: WorkerErrorLink.self)
    }
}

// MARK: - Scribbling

extension Reach {
    private static func set(_ word: Word, _ value: Int) { unsafe word.pointee.store(value, ordering: .relaxed) }
    private static func get(_ word: Word) -> Int { unsafe word.pointee.load(ordering: .relaxed) }

    func setCursor(_ value: Int) { unsafe Self.set(slot.cursor, value) }
    func setLowestFailure(_ value: Int) { unsafe Self.set(writer.lowestFailure, value) }
    /// The recorded position of the newest error.
    func setNewestError(_ value: Int) { unsafe Self.set(slot.newestError, value) }

    /// Overwrites a worker's record: its item, its claimed range and its remaining range.
    func setRecord(of worker: Int, from start: Int, to end: Int) {
        let record = layout.record(worker)
        unsafe Self.set(record.position, start)
        unsafe Self.set(record.end, end)
        unsafe Self.set(record.remainingStart, start)
        unsafe Self.set(record.remainingEnd, end)
        unsafe Self.set(slot.newestError, end)
        if isOneShot { unsafe Self.set(record.finish, start) }
    }

    /// Overwrites the two counts of an arena's blocks: those in use, and the most that ever were.
    func setBlocks(of worker: Int, used: Int, touched: Int) {
        unsafe Self.set(layout.record(worker).blocksUsed, used)
        unsafe Self.set(layout.record(worker).blocksTouched, touched)
    }

    /// Overwrites a worker's position and the end of its range.
    func setPosition(of worker: Int, _ start: Int, until end: Int) {
        unsafe Self.set(layout.record(worker).position, start)
        unsafe Self.set(layout.record(worker).end, end)
    }

    /// Marks a worker as not begun, and, if `failed`, as not set up.
    func setNotSetUp(_ worker: Int, failed: Bool) {
        unsafe Self.set(layout.record(worker).stage, WorkerRecord.Stage.starting)
        if failed { unsafe Self.set(layout.record(worker).finish, WorkerRecord.Finish.notSetUp) }
    }

    func blocksTouched(of worker: Int) -> Int { unsafe Self.get(layout.record(worker).blocksTouched) }
    func blocksUsed(of worker: Int) -> Int { unsafe Self.get(layout.record(worker).blocksUsed) }

    /// Overwrites the words that a worker sleeps on.
    func setSleepWords(of worker: Int, _ value: UInt32) {
        for offset in [64, 96] {
            unsafe layout.record(worker).base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
        }
    }

    /// Overwrites the word that marks the batch's end.
    func setEndedWord(_ value: UInt32) { unsafe slot.base.storeBytes(of: value, toByteOffset: 280, as: UInt32.self) }
    func setPhase(_ value: Int) { unsafe Self.set(slot.phase, value) }
    func setClosing(_ value: Int) { unsafe Self.set(layout.closing, value) }

    /// Overwrites the batch's number of items and the offsets of its states, slots and inputs.
    func setBatchLayout(_ value: Int) {
        unsafe Self.set(slot.count, value)
        unsafe Self.set(slot.states, value)
        unsafe Self.set(slot.slots, value)
        unsafe Self.set(slot.inputs, value)
        unsafe Self.set(slot.limit, value)
    }

    /// The address of a worker's record.
    func recordAddress(of worker: Int) -> UInt { unsafe UInt(bitPattern: layout.record(worker).base) }

    /// Numbers that a wild write could leave, edges first, then those near the ends of the memory that holds results.
    var wildNumbers: [Int] {
        let start = arenas.offset(0)
        return Self.wildNumbers(near: [
            start, start + arenas.size, start + layout.workers * arenas.size, arenas.size, 4096,
        ])
    }

    /// The number of wild numbers.
    static let wildCount = wildNumbers(near: [0, 0, 0, 0, 0]).count

    static func wildNumbers(near places: [Int]) -> [Int] {
        [.min, .min + 1, -1, 0, 1, .max - 1, .max, Int(Int32.max), Int(UInt32.max) + 1]
            + places.flatMap { [$0 - 1, $0, $0 + 1, -$0] }
    }
}
