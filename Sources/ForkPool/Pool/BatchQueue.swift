// SPDX-License-Identifier: Apache-2.0
/// What has a place among others: the higher the number, the earlier.
protocol Prioritized: AnyObject {
    var priority: Int { get }
}

/// Decides which batch is at which batch slot, which ones wait, and whether the pool accepts more.
///
/// A pure state machine: it knows no memory and no process.
struct BatchQueue<Batch: Prioritized> {
    enum Admission: Equatable {
        /// The pool accepts nothing any more: the end of a sentence that says why.
        case refused(String)
        /// The pool has ended, for the cause in `ending`.
        case ended
        case open(slot: Int)
        case pending
    }

    /// The batches that are open, by batch slot.
    private(set) var slots: [Batch?]
    /// The end of the batch slots that were ever used: few, since the free slot with the lowest number is the next one.
    private var usedEnd = 0
    private var free: [Int]
    /// The batches that wait for a batch slot: those of the highest priority first, and of one priority in their order.
    private(set) var pending: [Batch] = []
    /// The batch slots that are kept for batches of a higher priority than one that is open: these do not wait for its end.
    private let kept: Int
    /// How many open batches have a priority of their own.
    private var prioritized = 0
    /// Why the pool accepts nothing any more, as the end of a sentence.
    private(set) var refusal: String?
    private(set) var ending: FailureCause?
    /// Whether workers end as soon as nothing is open: the pool was closed and every batch has ended.
    private(set) var isClosing = false
    private let closesWithBatch: Bool

    init(slots count: Int, kept: Int = 0, closesWithBatch: Bool) {
        self.kept = kept
        slots = Array(repeating: nil, count: count)
        free = Array((0..<count).reversed())
        self.closesWithBatch = closesWithBatch
    }

    /// The same as `slots`, without those at the end that no batch had: what comes with each exit looks at these alone.
    var usedSlots: ArraySlice<Batch?> { slots[..<usedEnd] }

    var hasRoom: Bool { free.count > kept }
    /// Whether the priorities of the open batches may differ.
    var hasPriorities: Bool { prioritized > 0 }
    var hasWork: Bool { !pending.isEmpty || free.count < slots.count }
    /// The batches that have not ended, those that are open first.
    var batches: [Batch] { slots.compactMap { $0 } + pending }
    var unfinished: Batch? { slots.lazy.compactMap { $0 }.first ?? pending.first }

    var refusesBatches: Admission? { refusal.map(Admission.refused) ?? (ending == nil ? nil : .ended) }

    mutating func admit(_ batch: Batch) -> Admission {
        if let admission = refusesBatches { return admission }
        // One that waits already comes first, unless its priority is lower.
        guard mayOpen(batch), pending.first.map({ $0.priority < batch.priority }) ?? true else {
            enqueue(batch)
            return .pending
        }
        return .open(slot: open(batch))
    }

    /// Lets a batch wait, even if it could have a batch slot.
    mutating func enqueue(_ batch: Batch) {
        let place = pending.lastIndex { $0.priority >= batch.priority }.map { $0 + 1 } ?? 0
        pending.insert(batch, at: place)
    }

    /// The pending batch behind which one of a priority would wait.
    func lastPending(of priority: Int) -> Batch? { pending.last { $0.priority >= priority } }

    /// Whether a batch gets a batch slot now: one that is not kept, or that is kept for its likes.
    private func mayOpen(_ batch: Batch) -> Bool {
        if free.count > kept { return true }
        return !free.isEmpty && slots.contains { $0.map { $0.priority < batch.priority } ?? false }
    }

    private mutating func open(_ batch: Batch) -> Int {
        let slot = free.removeLast()
        slots[slot] = batch
        usedEnd = max(usedEnd, slot + 1)
        if batch.priority != 0 { prioritized += 1 }
        return slot
    }

    mutating func vacate(_ slot: Int) {
        if let batch = slots[slot], batch.priority != 0 { prioritized -= 1 }
        slots[slot] = nil
        free.append(slot)
        batchEnded()
    }

    /// The pending batch that gets a free batch slot now, if any.
    ///
    /// Where everything ends nothing begins: an item that began while its worker is killed would be lost by the kill.
    mutating func admitNext(_ isDue: (Batch) -> Bool = { _ in true }) -> (batch: Batch, slot: Int)? {
        guard ending == nil, let batch = pending.first, isDue(batch), mayOpen(batch) else { return nil }
        pending.removeFirst()
        return (batch, open(batch))
    }

    mutating func withdraw(_ batch: Batch) {
        pending.removeAll { $0 === batch }
        batchEnded()
    }

    /// Takes the batches that fulfil a condition out of the line, in one pass, and returns them in their order.
    mutating func withdraw(where condition: (Batch) -> Bool) -> [Batch] {
        let withdrawn = pending.filter(condition)
        guard !withdrawn.isEmpty else { return [] }
        pending.removeAll(where: condition)
        batchEnded()
        return withdrawn
    }

    mutating func withdrawAll() -> [Batch] { exchange(&pending, with: []) }

    /// Accepts nothing any more; the first reason stays.
    mutating func refuse(because reason: String) {
        if refusal == nil { refusal = reason }
    }

    /// Lets workers end as soon as nothing is open.
    mutating func close() {
        isClosing = true
    }

    /// Ends everything; the first cause stays.
    mutating func end(_ cause: FailureCause) {
        if ending == nil { ending = cause }
    }

    mutating func reopen() {
        ending = nil
        isClosing = false
    }

    private mutating func batchEnded() {
        if closesWithBatch { isClosing = true }
    }
}
