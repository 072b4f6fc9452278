// SPDX-License-Identifier: Apache-2.0
public import Synchronization

/// Claims of a fixed size that a body makes by itself, as long as its worker has nothing else to look at between two of them.
///
/// By way of the worker's loop a claim of one item costs three times as many instructions. What this looks at are words
/// that the loop looks at too; if one of them asks for more, the body returns to the loop.
@usableFromInline
@safe struct QuickClaims {
    @usableFromInline let claims: UnsafeMutablePointer<Claims>
    @usableFromInline let size: Int
    @usableFromInline let record: WorkerRecord
    @usableFromInline let lowestFailure: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let recalled: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let open: UnsafeMutablePointer<Atomic<UInt64>>
    /// What `open` is while no other batch is open.
    @usableFromInline let openAlone: UInt64

    /// Makes the claims of the batch at a slot; nil if the pool can have more open batches than one word says.
    init?(
        _ claims: UnsafeMutablePointer<Claims>, size: Int, _ record: WorkerRecord, _ slot: BatchSlot, number: Int,
        open: AtomicBitset
    ) {
        guard let word = unsafe open.onlyWord else { return nil }
        unsafe self.claims = claims
        self.size = size
        self.record = record
        unsafe lowestFailure = slot.lowestFailure
        unsafe recalled = slot.recalled
        unsafe self.open = word
        openAlone = 1 << UInt64(number)
    }

    /// Claims the next range and publishes that; nil if the worker is to go on.
    @inlinable @inline(__always)
    func next() -> Range<Int>? {
        guard unsafe lowestFailure.pointee.load(ordering: .relaxed) == .max,
            unsafe recalled.pointee.load(ordering: .relaxed) == 0,
            unsafe open.pointee.load(ordering: .relaxed) == openAlone,
            let range = unsafe claims.pointee.next(size)
        else { return nil }
        record.publish(claim: range)
        _ = unsafe lowestFailure.pointee.load(ordering: .sequentiallyConsistent)
        return range
    }
}
