// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// A set of small numbers in shared memory, one bit each: what a worker that died may have done is simply done again.
@safe struct AtomicBitset {
    private let words: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int
    /// The bits of the last word that stand for numbers: any other bit is damage.
    private let lastMask: UInt64

    init(at memory: UnsafeMutableRawPointer, capacity: Int) {
        unsafe words = memory.assumingMemoryBound(to: Atomic<UInt64>.self)
        count = Self.words(capacity)
        lastMask = capacity % 64 == 0 ? .max : 1 << UInt64(capacity % 64) - 1
    }

    private static func words(_ capacity: Int) -> Int { (capacity + 63) / 64 }

    /// The bytes that it takes, in whole cache lines.
    static func size(capacity: Int) -> Int { (words(capacity) * 8 + 127) / 128 * 128 }

    private func bits(_ word: Int) -> UInt64 {
        unsafe words[word].load(ordering: .sequentiallyConsistent) & (word == count - 1 ? lastMask : .max)
    }

    /// The word of a set that has one.
    var onlyWord: UnsafeMutablePointer<Atomic<UInt64>>? { unsafe count == 1 ? words : nil }

    func insert(_ number: Int) {
        _ = unsafe words[number / 64].bitwiseOr(1 << UInt64(number % 64), ordering: .sequentiallyConsistent)
    }

    /// Removes a number; returns whether it was there.
    @discardableResult
    func remove(_ number: Int) -> Bool {
        let bit: UInt64 = 1 << UInt64(number % 64)
        return unsafe words[number / 64].bitwiseAnd(~bit, ordering: .sequentiallyConsistent).oldValue & bit != 0
    }

    func contains(_ number: Int) -> Bool {
        unsafe words[number / 64].load(ordering: .sequentiallyConsistent) & 1 << UInt64(number % 64) != 0
    }

    var isEmpty: Bool {
        (0..<count).allSatisfy { bits($0) == 0 }
    }

    var population: Int {
        (0..<count).reduce(0) { $0 + bits($1).nonzeroBitCount }
    }

    /// The lowest number that is there, from `start` on and then from the beginning.
    func next(from start: Int) -> Int? {
        // Most sets have one word.
        guard count > 1 else {
            let all = count == 1 ? bits(0) : 0
            let above = start < 64 ? all & (.max << UInt64(start)) : 0
            return all == 0 ? nil : (above != 0 ? above : all).trailingZeroBitCount
        }
        let first = start / 64
        guard first < count else { return next(from: 0) }
        let above = bits(first) & (.max << UInt64(start % 64))
        if above != 0 { return first * 64 + above.trailingZeroBitCount }
        // No remainder of a division: an idle worker of many looks at each word, again and again.
        var word = first
        for _ in 1...count {
            word = word + 1 < count ? word + 1 : 0
            let found = bits(word)
            if found != 0 { return word * 64 + found.trailingZeroBitCount }
        }
        return nil
    }
}
