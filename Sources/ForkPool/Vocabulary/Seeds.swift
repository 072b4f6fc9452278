// SPDX-License-Identifier: Apache-2.0
internal import CForkPool
internal import Synchronization

/// Where the random numbers of a worker come from, at one moment.
struct Seeds: Sendable {
    private let seed: UInt64
    private let callNumber: Int
    private let replacements: UInt32
    private let host: Int
    private let firstItem: Int
    /// The item that the worker is on, in its batch, or -1.
    private let position: Int

    /// Reads them from what a worker's process knows.
    init(of worker: UnsafePointer<cforkpool_current_worker>) {
        unsafe seed = worker.pointee.identity.seed
        unsafe callNumber = Int(worker.pointee.identity.call)
        unsafe replacements = worker.pointee.identity.replacements
        unsafe host = Int(worker.pointee.identity.host)
        unsafe firstItem = Int(worker.pointee.identity.first_item)
        let word = unsafe worker.pointee.position?.assumingMemoryBound(to: Atomic<Int>.self)
        unsafe position = word?.pointee.load(ordering: .relaxed) ?? -1
    }

    /// The index, in its call, of the item that the worker is on; nil outside of an item.
    var item: Int? { position >= 0 ? firstItem &+ position : nil }

    // What differs between the two kinds of children keeps their numbers apart.

    /// The seed of a call: for the first one that of the pool.
    var call: UInt64 { callNumber == 0 ? seed : SplitMix64.child(callNumber, of: seed ^ 0x6361_6C6C) }

    /// The seed of the process that is a worker now; an index is below 65 536.
    func worker(_ index: Int) -> UInt64 {
        SplitMix64.child((host << 16 | index) << 32 | Int(replacements), of: seed ^ 0x776F_726B_6572)
    }

    // MARK: - Fresh seeds

    private static let origin = UInt64.random(in: .min ... .max)
    private static let count = Atomic<UInt64>(0)

    /// Returns a seed for a map that has none.
    ///
    /// It asks the system only once, which a map would feel. The clock tells a fork of this process from it, whose count is
    /// the same.
    static func fresh() -> UInt64 {
        let number = count.wrappingAdd(1, ordering: .relaxed).newValue
        return SplitMix64.child(
            Int(truncatingIfNeeded: number), of: origin &+ UInt64(truncatingIfNeeded: monotonicNanoseconds()))
    }
}
