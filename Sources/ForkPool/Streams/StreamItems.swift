// SPDX-License-Identifier: Apache-2.0

/// The items of a sequence as a stream takes them, by code that is compiled for the type of the sequence.
@usableFromInline
struct StreamItems<Element> {
    /// Appends the next items to an array until it has so many, the source has no more, or the source is slow.
    @usableFromInline typealias Take = (_ most: Int, _ taken: inout [Element]) -> Void

    /// Makes the iterator.
    let begin: () -> Take
    /// Counts the items, if they are a collection.
    let count: () -> Int?

    @usableFromInline
    init(begin: @escaping () -> Take, count: @escaping () -> Int?) {
        self.begin = begin
        self.count = count
    }

    @inlinable
    init<S: Sequence>(_ items: S) where S.Element == Element {
        self.init(
            begin: { Self.isInMemory(S.self) ? Self.takeAll(items) : Self.takeInTime(items) },
            count: { (items as? any Collection)?.count })
    }

    /// Whether the items of such a sequence are there already, so that none is waited for.
    @inlinable
    static func isInMemory<S: Sequence>(_ type: S.Type) -> Bool {
        S.self == [Element].self || S.self == ArraySlice<Element>.self || S.self == ContiguousArray<Element>.self
            || S.self == Range<Int>.self || S.self == ClosedRange<Int>.self
    }

    @inlinable
    static func takeAll<S: Sequence>(_ items: S) -> Take where S.Element == Element {
        var iterator = items.makeIterator()
        return { most, taken in
            while taken.count < most, let item = iterator.next() { taken.append(item) }
        }
    }

    @inlinable
    static func takeInTime<S: Sequence>(_ items: S) -> Take where S.Element == Element {
        var iterator = items.makeIterator()
        return { most, taken in
            let end = sourceDeadline()
            while taken.count < most, let item = iterator.next() {
                taken.append(item)
                // A slow source must not keep workers, or the loop, waiting for a whole portion.
                if taken.count < most, hasPassed(end) { break }
            }
        }
    }
}

/// Until when items of one portion are taken, in nanoseconds of the monotonic clock.
@usableFromInline
func sourceDeadline() -> Int { monotonicNanoseconds() + Int(Pool.gatheringTime) }

@usableFromInline
func hasPassed(_ time: Int) -> Bool { monotonicNanoseconds() > time }
