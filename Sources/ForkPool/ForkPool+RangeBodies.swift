// SPDX-License-Identifier: Apache-2.0

// How the bodies of maps run in a worker.

extension ForkPool {
    /// Runs the body on a range of items and stores each result in its slot; returns whether to continue.
    @_alwaysEmitIntoClient
    func storeResults<C: Collection, R>(
        of range: Range<Int>, in items: C, at cursor: inout CollectionCursor<C>, _ writer: ItemWriter,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        // A loop of its own: `ItemWriter.run` would cost a million no-ops 10 % more.
        var claim = range
        while true {
            cursor.move(to: claim.lowerBound, in: items)
            for item in claim {
                guard writer.begin(item) else { return false }
                do {
                    writer.store(try body(items[cursor.index]), at: item)
                } catch {
                    guard writer.threw(error, at: item) else { return false }
                }
                cursor.advance(in: items)
            }
            guard let more = writer.claimMore() else { return true }
            claim = more
        }
    }

    /// Runs the body on a range of items and encodes each result; returns whether to continue.
    @_alwaysEmitIntoClient
    func encodeResults<C: Collection, R: Encodable>(
        of range: Range<Int>, in items: C, at cursor: inout CollectionCursor<C>, _ writer: ItemWriter,
        _ body: (C.Element) throws -> R
    ) -> Bool {
        cursor.move(to: range.lowerBound, in: items)
        return writer.run(range) { item in
            defer { cursor.advance(in: items) }
            return writer.encode(try body(items[cursor.index]), at: item)
        }
    }

    /// Runs the body on the slots of a range, in place; returns whether to continue.
    @_alwaysEmitIntoClient
    func fillSlots<Element: BitwiseCopyable>(
        _ range: Range<Int>, slot: Int, _ writer: ItemWriter, _ body: (Int, inout MutableSpan<Element>) throws -> Void
    ) -> Bool {
        let elements = unsafe writer.slots.assumingMemoryBound(to: Element.self)
        return writer.run(range) { item in
            var span = unsafe UnsafeMutableBufferPointer(start: elements + item * slot, count: slot).mutableSpan
            try body(item, &span)
            writer.finish(item)
            return true
        }
    }
}
