// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// Where the outcomes of some items lie: a state byte and a slot each, and the arenas that coded results and reports are in.
///
/// A value of this type does not keep the memory.
@usableFromInline
@safe struct ResultMemory: @unchecked Sendable {
    @usableFromInline let states: UnsafeMutablePointer<Atomic<UInt8>>
    @usableFromInline let slots: UnsafeMutableRawPointer
    @usableFromInline let count: Int
    private let arenas: Arenas
    /// Coded results that a journal had, of this process alone: their offsets go on where the region ends.
    var restored: UnsafeRawBufferPointer

    init(states: UnsafeMutableRawPointer, slots: UnsafeMutableRawPointer, count: Int, arenas: Arenas) {
        unsafe self.states = states.assumingMemoryBound(to: Atomic<UInt8>.self)
        unsafe self.slots = slots
        self.count = count
        self.arenas = arenas
        unsafe restored = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Where the offsets of `restored` begin.
    var restoredStart: Int { arenas.end }

    /// Whether every state byte says that there is a result: compared eight at a time.
    var isComplete: Bool {
        let bytes = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(states), count: count)
        let words = count / 8 * 8
        for offset in stride(from: 0, to: words, by: 8) {
            guard unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) == 0x0101_0101_0101_0101 else {
                return false
            }
        }
        return unsafe bytes[words...].allSatisfy { $0 == ItemState.value }
    }

    /// How many items have an outcome so far.
    var finishedCount: Int {
        let bytes = unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(states), count: count)
        return unsafe bytes.reduce(into: 0) { count, state in if state != ItemState.unfinished { count += 1 } }
    }

    /// The bytes at an offset and length that a worker wrote, or a journal had; nil if they do not lie within one arena.
    func bytes(offset: Int, length: Int) -> UnsafeRawBufferPointer? {
        guard offset >= arenas.end, unsafe !restored.isEmpty else {
            return unsafe arenas.bytes(offset: offset, length: length)
        }
        let start = offset - arenas.end
        guard length >= 0, unsafe start <= restored.count, unsafe length <= restored.count - start else { return nil }
        return unsafe UnsafeRawBufferPointer(rebasing: restored[start..<start + length])
    }

    /// Where the bytes of a coded result lie, as its worker says.
    func extent(of item: Int) -> Extent {
        unsafe slots.load(fromByteOffset: item * MemoryLayout<Extent>.stride, as: Extent.self)
    }

    /// The bytes of a coded result, or nil if its slot points elsewhere.
    func codedBytes(of item: Int) -> UnsafeRawBufferPointer? {
        let extent = extent(of: item)
        return unsafe bytes(offset: extent.offset, length: extent.length)
    }

    /// A copy of all results, which are bit patterns.
    func array<R>(of type: R.Type) -> [R] {
        unsafe Array(unsafeUninitializedCapacity: count) { copy, initialized in
            unsafe FreshMemory.populate(UnsafeMutableRawBufferPointer(copy))
            let slots = unsafe UnsafeBufferPointer(start: slots.bindMemory(to: R.self, capacity: count), count: count)
            initialized = unsafe copy.initialize(fromContentsOf: slots)
        }
    }

    /// The items below `end` that have no outcome and no cause for that, as ranges.
    func unfinishedRanges(below end: Int, _ isExplained: (Int) -> Bool) -> [Range<Int>] {
        let lost = (0..<end).indices { item in
            unsafe states[item].load(ordering: .relaxed) == ItemState.unfinished && !isExplained(item)
        }
        return Array(lost.ranges)
    }
}

/// Where the workers' arenas lie in a region: equal parts, one for each worker, up to the region's end.
@safe struct Arenas: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    /// Where the first arena begins, in bytes from the region's start.
    let start: Int
    /// The size of each arena in bytes.
    let size: Int
    /// Where the region ends.
    let end: Int

    /// Where a worker's arena begins, in bytes from the region's start.
    func offset(_ worker: Int) -> Int { start + worker * size }

    func memory(_ worker: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base + offset(worker), count: size)
    }

    /// The bytes at an offset and length, or nil if they do not lie within one arena.
    func bytes(offset: Int, length: Int) -> UnsafeRawBufferPointer? {
        guard length >= 0, length <= size, offset >= start, offset < end else { return nil }
        guard length <= size - (offset - start) % size else { return nil }
        return unsafe UnsafeRawBufferPointer(start: base + offset, count: length)
    }
}

/// Where the bytes of a coded result are: the content of its slot.
struct Extent: BitwiseCopyable {
    /// Bytes from the region's start.
    let offset: Int
    let length: Int
}

/// What stands before each error in an arena.
struct WorkerErrorLink: BitwiseCopyable {
    let item: Int
    /// The offset of the error before, plus one; 0 if this is the first.
    let previous: Int
    /// The bytes of the error, which follow.
    let length: Int
}

/// What the one byte of an item says; every other value is damage.
@usableFromInline
enum ItemState {
    /// Nothing was published: not begun, or begun and not finished.
    @usableFromInline static let unfinished: UInt8 = 0
    /// The slot holds the result.
    @usableFromInline static let value: UInt8 = 1
    /// A report in a worker's arena says why there is no result; another one, with the error's own words, may come.
    @usableFromInline static let failed: UInt8 = 2
    /// The parent knows why there is no result: the item's worker is gone, or its input could not be had.
    @usableFromInline static let lost: UInt8 = 3
    /// As `failed`, and no other report comes.
    @usableFromInline static let described: UInt8 = 4

    /// Whether nothing of the item is written any more.
    static func isOver(_ state: UInt8) -> Bool { state != unfinished && state != failed }
}
