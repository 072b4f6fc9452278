// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The results of a map over several hosts, as the root gathers them and others get them, or of shards, from their journals:
/// the slots of all items in order, and the bytes of coded results.
///
/// It looks like the memory of a map on one host: so the journal of one host takes results from it.
@safe package final class GatheredResults {
    let count: Int
    package let stride: Int
    let kind: ResultKind
    let memory: ResultMemory
    private let slots: Mapping
    private let states: Mapping
    /// The bytes of coded results, one behind the other.
    private let coded: Mapping
    private var codedSize = 0
    /// The failures of items; every other item has its result, once the map has ended.
    package private(set) var failures: [Int: ForkPool.Failure] = [:]
    private var journal: Journal?

    /// The most memory for coded results: where the system grants less, half of it, and so on.
    private static let mostCoded = 1 << 42

    /// Reserves the memory for so many items; pages are committed as results come.
    ///
    /// - Throws: `noMemory`.
    package init(
        count: Int, stride: Int, of type: any Any.Type, isCoded: Bool
    ) throws(ForkPool.Failure) {
        self.count = count
        self.stride = isCoded ? MemoryLayout<Extent>.stride : stride
        kind = ResultKind(type: type, isCoded: isCoded)
        do throws(SystemError) {
            let (size, overflow) = count.multipliedReportingOverflow(by: self.stride)
            guard !overflow else { throw SystemError(call: "mmap", code: SystemError.noMemory) }
            slots = try Mapping(size: max(size, 1))
            states = try Mapping(size: max(count, 1))
            coded = try isCoded ? Self.reserve(Self.mostCoded) : Mapping(size: 1)
        } catch {
            throw ForkPool.Failure(refused: error, index: nil)
        }
        let arenas = unsafe Arenas(base: coded.base, start: 0, size: coded.size, end: coded.size)
        memory = unsafe ResultMemory(states: states.base, slots: slots.base, count: count, arenas: arenas)
    }

    private static func reserve(_ size: Int) throws(SystemError) -> Mapping {
        do throws(SystemError) {
            return try Mapping(size: size)
        } catch {
            guard size > 1 << 26 else { throw error }
            return try reserve(size / 2)
        }
    }

    // MARK: - Journal

    /// Opens the journal of the map, and takes what it has; it is appended to from now on, until `endJournal`.
    ///
    /// - Throws: `journalFailed`.
    package func openJournal(
        _ path: String, key: String, sync: ForkPool.JournalSync,
        onFailure: (@Sendable (ForkPool.Failure) -> Void)?
    ) throws(ForkPool.Failure) {
        let request = JournalRequest(path, key: key, sync: sync, items: count, shard: nil, onFailure: onFailure)
        let journal = unsafe try Journal(request, of: kind, stride: stride) { items, bytes throws(SystemError) in
            unsafe place(bytes, at: items)
        }
        self.journal = journal
        journal.begin(memory)
    }

    /// Appends what the journal lacks, and closes it.
    package func endJournal() {
        journal?.end(memory)
        journal = nil
    }

    /// The items that have no result before the map, as ranges in order.
    package var missing: [Range<Int>] {
        // Without a journal nothing is there before the first reply.
        if journal == nil, failures.isEmpty { return count > 0 ? [0..<count] : [] }
        return memory.unfinishedRanges(below: count) { failures[$0] != nil }
    }

    /// The number of items that have an outcome.
    package var finishedCount: Int { memory.finishedCount }

    // MARK: - Replies

    /// Places the outcomes of a host's reply.
    ///
    /// - Returns: What the reply says beside; nil if the bytes contradict themselves.
    package func place(_ reply: UnsafeRawBufferPointer) -> PlacedReply? {
        guard reply.count >= RangeReply.headSize else { return nil }
        func word(_ place: Int) -> Int { unsafe reply.loadUnaligned(fromByteOffset: 8 * place, as: Int.self) }
        let (first, number, flags, valueSize, failureSize) = (word(0), word(1), word(2), word(3), word(4))
        let hasMarks = flags & RangeReply.Flags.hasMarks != 0
        guard first >= 0, number > 0, first < count, number <= count - first else { return nil }
        let start = RangeReply.headSize + (hasMarks ? number : 0)
        guard valueSize >= 0, failureSize >= 0, start <= reply.count, valueSize <= reply.count - start,
            failureSize == reply.count - start - valueSize
        else { return nil }
        let values = unsafe UnsafeRawBufferPointer(rebasing: reply[start..<start + valueSize])
        let marks = unsafe hasMarks ? Array(reply[RangeReply.headSize..<start]) : []
        if !hasMarks, !kind.isCoded {
            guard valueSize == number * stride else { return nil }
            unsafe place(plain: values, at: first..<first + number)
        } else {
            let there = (first..<first + number).filter { !hasMarks || marks[$0 - first] == RangeReply.Mark.result }
            guard unsafe kind.isCoded ? place(values, ofCoded: there) : place(values, of: there) else { return nil }
        }
        var ending: ForkPool.Failure?
        if failureSize > 0 {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: reply[(start + valueSize)...])
            guard let coded = unsafe try? BinaryDecoder.decode([ForkPool.Failure].self, from: bytes) else { return nil }
            for failure in coded {
                if let index = failure.index { place(failure, at: index) } else { ending = failure }
            }
        }
        return PlacedReply(
            items: first..<first + number,
            over: hasMarks ? marks.count { $0 != RangeReply.Mark.none } : number,
            firstFailed: marks.firstIndex(of: RangeReply.Mark.failed).map { first + $0 },
            isLast: flags & RangeReply.Flags.isLast != 0, isRefused: flags & RangeReply.Flags.isRefused != 0,
            ending: ending)
    }

    /// A reply whose results are in their places.
    package struct PlacedReply {
        package let items: Range<Int>
        /// How many of them have an outcome now.
        package let over: Int
        /// The first one of which the host says that it has no result; why comes with the last reply.
        package let firstFailed: Int?
        /// Whether it is the last one for its range.
        package let isLast: Bool
        /// Whether the host ran nothing of the range.
        package let isRefused: Bool
        /// What ended the pool of the host, if anything did.
        package let ending: ForkPool.Failure?
    }

    /// Makes a failure that of an item which has no outcome.
    package func place(_ failure: ForkPool.Failure, at item: Int) {
        guard item >= 0, item < count, unsafe memory.states[item].load(ordering: .relaxed) == ItemState.unfinished
        else { return }
        failures[item] = failure.index == item ? failure : failure.at(item)
        unsafe memory.states[item].store(ItemState.lost, ordering: .releasing)
    }

    /// Makes items fail that have no outcome although their host has said all.
    package func failUnfinished(_ items: Range<Int>) {
        for item in items where unsafe memory.states[item].load(ordering: .relaxed) == ItemState.unfinished {
            place(.corrupted(item, "its host did not send it"), at: item)
        }
    }

    /// Places results of neighbours, or of one item where they are coded.
    @unsafe func place(_ bytes: UnsafeRawBufferPointer, at items: Range<Int>) {
        unsafe kind.isCoded ? place(coded: bytes, at: items.lowerBound) : place(plain: bytes, at: items)
    }

    // The bytes first, then the state: the journal's thread reads both.

    @unsafe private func place(plain bytes: UnsafeRawBufferPointer, at items: Range<Int>) {
        if let base = bytes.baseAddress {
            unsafe (memory.slots + items.lowerBound * stride).copyMemory(from: base, byteCount: bytes.count)
        }
        for item in items { unsafe memory.states[item].store(ItemState.value, ordering: .releasing) }
    }

    /// Places slots of items that are not all neighbours.
    @unsafe private func place(_ values: UnsafeRawBufferPointer, of items: [Int]) -> Bool {
        guard values.count == items.count * stride else { return false }
        for (place, item) in items.enumerated() {
            let bytes = place * stride..<(place + 1) * stride
            unsafe self.place(plain: UnsafeRawBufferPointer(rebasing: values[bytes]), at: item..<item + 1)
        }
        return true
    }

    /// Places results of which the length of each stands before the bytes of all.
    @unsafe private func place(_ values: UnsafeRawBufferPointer, ofCoded items: [Int]) -> Bool {
        var start = items.count * MemoryLayout<UInt64>.size
        guard start <= values.count else { return false }
        for (place, item) in items.enumerated() {
            let word = unsafe values.loadUnaligned(fromByteOffset: 8 * place, as: UInt64.self)
            guard let length = Int(exactly: UInt64(littleEndian: word)), length <= values.count - start else {
                return false
            }
            unsafe self.place(coded: UnsafeRawBufferPointer(rebasing: values[start..<start + length]), at: item)
            start += length
        }
        return start == values.count
    }

    @unsafe private func place(coded bytes: UnsafeRawBufferPointer, at item: Int) {
        guard bytes.count <= coded.size - codedSize else { return place(.noRoomForResults, at: item) }
        if let base = bytes.baseAddress {
            unsafe (coded.base + codedSize).copyMemory(from: base, byteCount: bytes.count)
        }
        let extent = Extent(offset: codedSize, length: bytes.count)
        unsafe memory.slots.storeBytes(of: extent, toByteOffset: item * stride, as: Extent.self)
        codedSize += bytes.count
        unsafe memory.states[item].store(ItemState.value, ordering: .releasing)
    }

    // MARK: - Delivery

    /// The memory that goes to other hosts as it is: the slots, and then what coded results have.
    package var parts: [UnsafeMutableRawBufferPointer] {
        unsafe [
            UnsafeMutableRawBufferPointer(start: slots.base, count: count * stride),
            UnsafeMutableRawBufferPointer(start: coded.base, count: codedSize),
        ]
    }

    /// The number of bytes of coded results.
    package var codedBytes: Int { codedSize }

    /// Makes room for as many bytes of coded results as the root has; returns whether there is room.
    package func reserve(codedBytes: Int) -> Bool {
        guard codedBytes >= 0, codedBytes <= coded.size else { return false }
        codedSize = codedBytes
        return true
    }

    /// Commits the pages of the slots, all of which will be written to, by one call.
    package func populate() {
        unsafe FreshMemory.populate(UnsafeMutableRawBufferPointer(start: slots.base, count: count * stride))
    }

    /// Takes the failures that the root has.
    package func take(_ failures: [ForkPool.Failure]) {
        for failure in failures { if let index = failure.index { place(failure, at: index) } }
    }
}

extension ForkPool.Failure {
    static var noRoomForResults: Self {
        Self(.noMemory, index: nil, "has no room: the root's memory for results is full")
    }
}
