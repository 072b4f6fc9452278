// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Glibc
internal import Synchronization

/// Where each part of a pool's shared memory lies: numbers and an address, which a worker reads as freely as the parent.
///
/// The picture is in README.md beside this file. A value of this type does not keep the memory: `Region` does.
@safe struct RegionLayout: @unchecked Sendable {
    /// The numbers that the layout follows from; a copy at the region's start serves workers that map it by themselves.
    struct Shape: BitwiseCopyable {
        /// A random number, which shows that the memory is the pool's.
        var token: UInt64
        var workers: Int
        /// The number of processes that can exist at once.
        var processSlots: Int
        /// The number of batches that can be open at once.
        var batchSlots: Int
        /// Sizes in bytes.
        var heapSize: Int
        var inputSize: Int
        var arenaSize: Int
    }

    /// The unit in which arenas are given to batches, in bytes.
    static let blockSize = 16 << 10
    static let crashSize = Int(CFORKPOOL_CRASH_SIZE)
    static let mailboxSize = 128
    private static let controlOffset = 128
    private static let controlSize = 384

    let base: UnsafeMutableRawPointer
    let shape: Shape
    private let setsOffset: Int
    private let batchSlotsOffset: Int
    private let recordsOffset: Int
    private let heapOffset: Int
    private let crashesOffset: Int
    /// Where what workers only read begins and ends: whole pages.
    private let readOnlyOffset: Int
    private let mailboxesOffset: Int
    private let descriptionsOffset: Int
    private let inputsOffset: Int
    private let readOnlyEnd: Int
    private let tablesOffset: Int
    private let arenasOffset: Int
    let size: Int

    init(base: UnsafeMutableRawPointer, shape: Shape) {
        unsafe self.base = base
        self.shape = shape
        var end = Self.controlOffset + Self.controlSize
        func take(_ bytes: Int) -> Int {
            defer { end += (bytes + 127) / 128 * 128 }
            return end
        }
        // A small map's words, records, states and slots share the first page.
        setsOffset = take(
            AtomicBitset.size(capacity: shape.batchSlots) + 2 * AtomicBitset.size(capacity: shape.workers))
        batchSlotsOffset = take(shape.batchSlots * BatchSlot.size(workers: shape.workers))
        recordsOffset = take(shape.workers * WorkerRecord.size)
        heapOffset = take(shape.heapSize)
        end = Mapping.pages(end)
        crashesOffset = take(shape.processSlots * Self.crashSize)
        end = Mapping.pages(end)
        readOnlyOffset = end
        descriptionsOffset = take(shape.batchSlots * BatchSlot.descriptionSize)
        mailboxesOffset = take(shape.processSlots * Self.mailboxSize)
        inputsOffset = take(shape.inputSize)
        end = Mapping.pages(end)
        readOnlyEnd = end
        tablesOffset = take(shape.workers * shape.arenaSize / Self.blockSize * MemoryLayout<UInt32>.size)
        // Whole pages, since each worker unmaps the arenas that are not its own.
        end = Mapping.pages(end)
        arenasOffset = take(shape.workers * shape.arenaSize)
        size = end
    }

    var workers: Int { shape.workers }
    var processSlots: Int { shape.processSlots }
    var batchSlots: Int { shape.batchSlots }
    /// The heap's bytes, from the region's start.
    var heap: Range<Int> { heapOffset..<(heapOffset + shape.heapSize) }
    /// The bytes for inputs.
    var inputs: Range<Int> { inputsOffset..<(inputsOffset + shape.inputSize) }
    var arenas: Arenas { unsafe Arenas(base: base, start: arenasOffset, size: shape.arenaSize, end: size) }

    func writeShape() {
        unsafe base.storeBytes(of: shape, as: Shape.self)
    }

    static func readShape(_ base: UnsafeRawPointer) -> Shape {
        unsafe base.load(as: Shape.self)
    }
}

extension RegionLayout.Shape {
    /// Whether a region of `size` bytes can have this shape; a damaged one may not.
    func isPossible(within size: Int) -> Bool {
        let most = size / RegionLayout.blockSize
        guard workers > 0, heapSize >= 0, heapSize <= size, inputSize >= 0, inputSize <= size, arenaSize > 0,
            workers <= most, arenaSize <= size / workers
        else { return false }
        return processSlots >= workers && processSlots <= most && batchSlots > 0 && batchSlots <= most
    }
}

// MARK: - Control words

extension RegionLayout {
    private func control(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe (base + Self.controlOffset + number * 8).assumingMemoryBound(to: Atomic<Int>.self)
    }

    /// 1 if workers end as soon as no batch is open.
    var closing: UnsafeMutablePointer<Atomic<Int>> { unsafe control(0) }
    /// The number of processors that workers and their parent may run on.
    var processors: UnsafeMutablePointer<Atomic<Int>> { unsafe control(1) }
    /// 1 while batches wait for a batch slot: the end of a batch then notifies the supervisor.
    var backlog: UnsafeMutablePointer<Atomic<Int>> { unsafe control(2) }
    /// The offset of an exec worker's job from the region's start, its length, and its checksum.
    var jobOffset: UnsafeMutablePointer<Atomic<Int>> { unsafe control(3) }
    var jobLength: UnsafeMutablePointer<Atomic<Int>> { unsafe control(4) }
    var jobChecksum: UnsafeMutablePointer<Atomic<Int>> { unsafe control(5) }
    /// The processors of the last caller and of the last worker that spun: two on one processor must not spin.
    var callerProcessor: UnsafeMutablePointer<Atomic<Int>> { unsafe control(6) }
    var spinnerProcessor: UnsafeMutablePointer<Atomic<Int>> { unsafe control(7) }
    /// 1 while open batches may differ in their priority.
    var priorities: UnsafeMutablePointer<Atomic<Int>> { unsafe control(8) }
    /// Signalled when a batch gets a batch slot, or ends without one.
    var admission: FutexEvent { unsafe FutexEvent(at: base + Self.controlOffset + 128) }
    /// Signalled when workers have something to say to the parent that no thread there waits for.
    var notices: FutexEvent { unsafe FutexEvent(at: noticeWord) }
    /// The word of `notices`, for a template.
    var noticeWord: UnsafeMutableRawPointer { unsafe base + Self.controlOffset + 192 }
    /// Signalled when an item of a stream ends.
    var itemEnded: FutexEvent { unsafe FutexEvent(at: base + Self.controlOffset + 256) }
    /// Signalled when a worker becomes free, for streams that collect inputs while none is.
    var workerFreed: FutexEvent { unsafe FutexEvent(at: base + Self.controlOffset + 320) }

    /// The batch slots that may have items to claim.
    var open: AtomicBitset { unsafe AtomicBitset(at: base + setsOffset, capacity: batchSlots) }
    /// The workers that sleep, or are about to.
    var sleepers: AtomicBitset {
        unsafe AtomicBitset(at: base + setsOffset + AtomicBitset.size(capacity: batchSlots), capacity: workers)
    }
    /// The workers that look for open batches before they sleep.
    var seekers: AtomicBitset {
        let sleepersEnd = AtomicBitset.size(capacity: batchSlots) + AtomicBitset.size(capacity: workers)
        return unsafe AtomicBitset(at: base + setsOffset + sleepersEnd, capacity: workers)
    }

    // MARK: - Batch slots, records, mailboxes, crash reports

    func batchSlot(_ number: Int) -> BatchSlot {
        unsafe BatchSlot(
            base: base + batchSlotsOffset + number * BatchSlot.size(workers: workers),
            description: base + descriptionsOffset + number * BatchSlot.descriptionSize, workers: workers)
    }

    func record(_ worker: Int) -> WorkerRecord {
        unsafe WorkerRecord(
            base: base + recordsOffset + worker * WorkerRecord.size,
            key: UInt32(truncatingIfNeeded: shape.token >> 16) &+ UInt32(worker) | 1)
    }

    /// Where the process in a slot learns which worker it is.
    func mailbox(_ processSlot: Int) -> WorkerIDMailbox {
        unsafe WorkerIDMailbox(
            base: base + mailboxesOffset + processSlot * Self.mailboxSize,
            key: shape.token &+ UInt64(processSlot) << 32)
    }

    /// Where the crash handler of the process in a slot writes.
    func crash(_ processSlot: Int) -> UnsafeMutablePointer<cforkpool_crash> {
        unsafe (base + crashesOffset + processSlot * Self.crashSize).assumingMemoryBound(to: cforkpool_crash.self)
    }

    func blockTags(_ worker: Int) -> UnsafeMutableBufferPointer<UInt32> {
        let blocks = shape.arenaSize / Self.blockSize
        let first = unsafe (base + tablesOffset + worker * blocks * MemoryLayout<UInt32>.size)
        return unsafe UnsafeMutableBufferPointer(start: first.assumingMemoryBound(to: UInt32.self), count: blocks)
    }

    /// Where a worker that fails to set up says why: the end of its arena.
    func setUpError(_ worker: Int) -> UnsafeMutableRawBufferPointer {
        let arena = unsafe arenas.memory(worker)
        return unsafe UnsafeMutableRawBufferPointer(rebasing: arena[(arena.count - 2 * Self.blockSize)...])
    }

    // MARK: - Waking workers

    func wake(_ count: Int) {
        var left = min(count, workers)
        // A damaged set may gain sleepers faster than this loop wakes them.
        var tries = 2 * workers
        while left > 0, tries > 0, let worker = sleepers.next(from: 0) {
            tries -= 1
            if sleepers.remove(worker) {
                record(worker).wake()
                left -= 1
            }
        }
    }

    /// Wakes the workers that sleep and are in no set: the process that took them out died before it woke them.
    func wakeForgotten() {
        for worker in 0..<workers where record(worker).isSleeping && !sleepers.contains(worker) {
            record(worker).wake()
        }
    }

    // MARK: - In a worker

    /// Leaves a worker's process what is its own, so that a wild write elsewhere faults in the worker that makes it.
    ///
    /// The other workers' arenas are unmapped, and what only the parent writes is read-only.
    func confine(to worker: Int) {
        // A child that the body makes, by fork or by clone, must not publish anything. A refusal leaves it the memory. While
        // the region is one mapping that is one step.
        unsafe madvise(base, size, MADV_DONTFORK)
        // A refusal leaves the memory writable.
        unsafe mprotect(base + readOnlyOffset, readOnlyEnd - readOnlyOffset, PROT_READ)
        let own = unsafe arenas.memory(worker)
        let (first, end) = unsafe (base + arenasOffset, own.baseAddress! + own.count)
        if unsafe own.baseAddress! > first { unsafe munmap(first, own.baseAddress! - first) }
        if unsafe end < base + size { unsafe munmap(end, base + size - end) }
    }

    /// Gives up the region in a worker that ends: a process that shares the worker's memory must not write there any more.
    ///
    /// What `confine` unmapped may be the body's by now, such as the stacks of its threads.
    func unmap(confinedTo worker: Int) {
        cforkpool_forget_crash()
        let own = unsafe arenas.memory(worker)
        // The first arena continues what lies before it: one call for both, which splits no mapping.
        if worker == 0 {
            unsafe munmap(base, arenasOffset + own.count)
            return
        }
        unsafe munmap(base, arenasOffset)
        unsafe munmap(own.baseAddress!, own.count)
    }

    /// Below this many bytes a fault for each page costs less than a call.
    static let populateFrom = 64 << 10

    /// Maps the pages of a part of the region in this process by one call, if they exist already below `warmEnd`.
    func populate(_ range: Range<Int>, warmEnd: Int) {
        unsafe Self.populate(range, of: base, warmEnd: warmEnd)
    }

    /// Does the same without a copy of the layout.
    static func populate(_ range: Range<Int>, of base: UnsafeMutableRawPointer, warmEnd: Int) {
        guard range.count >= populateFrom, range.upperBound <= warmEnd else { return }
        let start = range.lowerBound / Mapping.pageSize * Mapping.pageSize
        _ = unsafe cforkpool_madvise_populate(base + start, Mapping.pages(range.upperBound - start))
    }
}
