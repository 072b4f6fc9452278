/// Runs the items of a range in a worker; returns false if the worker is to stop.
@usableFromInline
typealias RangeBody = (_ range: Range<Int>, _ writer: ItemWriter) -> Bool

/// Where a worker is in a collection, so that the next range is found from there and not from the start.
@usableFromInline
struct CollectionCursor<C: Collection> {
    @usableFromInline var offset = 0
    @usableFromInline var index: C.Index

    @inlinable
    init(_ items: C) {
        index = items.startIndex
    }

    /// Moves to the item with a number.
    @inlinable
    mutating func move(to number: Int, in items: C) {
        if number < offset { self = CollectionCursor(items) }
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
        of range: Range<Int>, in items: C, at place: inout CollectionCursor<C>, _ writer: ItemWriter,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        place.move(to: range.lowerBound, in: items)
        for item in range {
            guard writer.begin(item) else { return false }
            do {
                writer.store(try body(items[place.index]), at: item)
            } catch {
                guard writer.threw(error, at: item) else { return false }
            }
            place.advance(in: items)
        }
        return true
    }

    /// Runs the body on a range of items and encodes each result; returns whether the worker goes on.
    @inlinable
    func encodeResults<C: Collection, R: Encodable>(
        of range: Range<Int>, in items: C, at place: inout CollectionCursor<C>, _ writer: ItemWriter,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        place.move(to: range.lowerBound, in: items)
        for item in range {
            guard writer.begin(item) else { return false }
            do {
                let result = try body(items[place.index])
                guard writer.encode(result, at: item) else { return false }
            } catch {
                guard writer.threw(error, at: item) else { return false }
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
        _ range: Range<Int>, slot: Int, _ writer: ItemWriter, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) -> Bool {
        let elements = unsafe writer.slots.assumingMemoryBound(to: Element.self)
        for item in range {
            guard writer.begin(item) else { return false }
            do {
                var span = unsafe UnsafeMutableBufferPointer(start: elements + item * slot, count: slot).mutableSpan
                try body(item, &span)
                writer.finish(item)
            } catch {
                guard writer.threw(error, at: item) else { return false }
            }
        }
        return true
    }
}
