// SPDX-License-Identifier: Apache-2.0
/// Decides which batch is at which batch slot, which ones wait, and whether the pool accepts more.
///
/// A pure state machine: it knows no memory and no process.
struct BatchQueue<Batch: AnyObject> {
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
    private var free: [Int]
    private(set) var pending: [Batch] = []
    /// Why the pool accepts nothing any more, as the end of a sentence.
    private(set) var refusal: String?
    private(set) var ending: FailureCause?
    /// Whether workers end as soon as nothing is open: the pool was closed and every batch has ended.
    private(set) var isClosing = false
    private let closesWithBatch: Bool

    init(slots count: Int, closesWithBatch: Bool) {
        slots = Array(repeating: nil, count: count)
        free = Array((0..<count).reversed())
        self.closesWithBatch = closesWithBatch
    }

    var hasRoom: Bool { !free.isEmpty }
    var hasWork: Bool { !pending.isEmpty || free.count < slots.count }
    /// The batches that have not ended, those that are open first.
    var batches: [Batch] { slots.compactMap { $0 } + pending }
    var unfinished: Batch? { slots.lazy.compactMap { $0 }.first ?? pending.first }

    var refusesBatches: Admission? { refusal.map(Admission.refused) ?? (ending == nil ? nil : .ended) }

    mutating func admit(_ batch: Batch) -> Admission {
        if let admission = refusesBatches { return admission }
        guard let slot = free.popLast() else {
            pending.append(batch)
            return .pending
        }
        slots[slot] = batch
        return .open(slot: slot)
    }

    mutating func vacate(_ slot: Int) {
        slots[slot] = nil
        free.append(slot)
        batchEnded()
    }

    /// The pending batch that gets a free batch slot now, if any.
    ///
    /// Where everything ends nothing begins: an item that began while its worker is killed would be lost by the kill.
    mutating func admitNext() -> (batch: Batch, slot: Int)? {
        guard ending == nil, !pending.isEmpty, let slot = free.popLast() else { return nil }
        let batch = pending.removeFirst()
        slots[slot] = batch
        return (batch, slot)
    }

    mutating func withdraw(_ batch: Batch) {
        pending.removeAll { $0 === batch }
        batchEnded()
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
