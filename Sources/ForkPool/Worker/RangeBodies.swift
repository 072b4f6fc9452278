/// Where a worker is in a collection, so that the next range is found from there and not from the start.
@usableFromInline
struct ItemPlace<C: Collection> {
    @usableFromInline var offset = 0
    @usableFromInline var index: C.Index

    @inlinable
    init(_ items: C) {
        index = items.startIndex
    }

    /// Moves to the item with a number.
    @inlinable
    mutating func move(to number: Int, in items: C) {
        if number < offset { self = ItemPlace(items) }
        items.formIndex(&index, offsetBy: number - offset)
        offset = number
    }

    /// Moves to the next item.
    @inlinable @inline(__always)
    mutating func advance(in items: C) {
        items.formIndex(after: &index)
        offset += 1
    }
}

extension ForkPool {
    /// Runs the body on a range of items and stores each result in its slot; returns whether the worker goes on.
    @inlinable
    func storeResults<C: Collection, R: BitwiseCopyable>(
        of range: Range<Int>, in items: C, at place: inout ItemPlace<C>, _ desk: Desk,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        place.move(to: range.lowerBound, in: items)
        for item in range {
            guard desk.begin(item) else { return false }
            do {
                desk.store(try body(items[place.index]), at: item)
            } catch {
                guard desk.threw(error, at: item) else { return false }
            }
            place.advance(in: items)
        }
        return true
    }

    /// Runs the body on a range of items and encodes each result; returns whether the worker goes on.
    @inlinable
    func encodeResults<C: Collection, R: Encodable>(
        of range: Range<Int>, in items: C, at place: inout ItemPlace<C>, _ desk: Desk,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        place.move(to: range.lowerBound, in: items)
        for item in range {
            guard desk.begin(item) else { return false }
            do {
                let result = try body(items[place.index])
                guard desk.encode(result, at: item) else { return false }
            } catch {
                guard desk.threw(error, at: item) else { return false }
            }
            place.advance(in: items)
        }
        return true
    }
}

extension ForkPool {
    /// Runs the body on the slots of a range, in place; returns whether the worker goes on.
    @inlinable
    func fillSlots<Element: BitwiseCopyable>(
        _ range: Range<Int>, slot: Int, _ desk: Desk, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) -> Bool {
        let elements = unsafe desk.slots.assumingMemoryBound(to: Element.self)
        for item in range {
            guard desk.begin(item) else { return false }
            do {
                var span = unsafe UnsafeMutableBufferPointer(start: elements + item * slot, count: slot).mutableSpan
                try body(item, &span)
                desk.finish(item)
            } catch {
                guard desk.threw(error, at: item) else { return false }
            }
        }
        return true
    }
}

extension Region.Layout {
    /// The layout for slots of several elements each.
    @usableFromInline
    init<Element: BitwiseCopyable>(of type: Element.Type, _ count: Int, slot: Int) {
        precondition(count >= 0, "ForkPool: a count of slots must be at least 0, not \(count)")
        precondition(slot >= 0, "ForkPool: a slot must have at least 0 elements, not \(slot)")
        let (stride, overflow) = slot.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        precondition(!overflow, "ForkPool: a slot of \(slot) elements is larger than any memory")
        self.init(count: count, slotStride: stride, slotAlignment: MemoryLayout<Element>.alignment)
    }

    /// The layout for results that are bit patterns.
    @inlinable
    init<R: BitwiseCopyable>(of type: R.Type, _ count: Int) {
        self.init(
            count: count, slotStride: MemoryLayout<R>.stride, slotAlignment: MemoryLayout<R>.alignment)
    }

    /// The layout for results that are coded: each slot says where the bytes are.
    @usableFromInline
    static func coded(_ count: Int) -> Self {
        Self(
            count: count, slotStride: MemoryLayout<Extent>.stride, slotAlignment: MemoryLayout<Extent>.alignment,
            isCoded: true)
    }
}
