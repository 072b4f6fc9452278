// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

// The results of the shards of a map come from their journals, as those of a map over several hosts come from these.

extension GatheredResults {
    /// Reads journals, which must have every item of one job; coded results only if `decode` is given.
    ///
    /// - Throws: `journalFailed`; `noMemory`.
    static func merge<R>(
        _ paths: [String], of type: R.Type, key: String, _ decode: ((UnsafeRawBufferPointer) throws -> R)?
    ) throws(ForkPool.Failure) -> GatheredResults {
        var merged: GatheredResults?
        var found: [Range<Int>] = []
        for path in paths {
            let file = try Journal.open(path, writes: false)
            var reader = try reading(path) { () throws(JournalReader.Refusal) in try JournalReader(file) }
            let header = reader.header
            // The first one says whether the results are coded, and not bit patterns: it depends on the kind of the body too.
            let kind =
                merged?.kind
                ?? ResultKind(type: type, isCoded: unsafe header.isCoded && decode != nil || !_isPOD(type))
            let stride = kind.isCoded ? MemoryLayout<Extent>.stride : MemoryLayout<R>.stride
            let wanted = JournalHeader(
                total: merged?.count ?? header.total, part: header.part, isCoded: kind.isCoded, stride: stride,
                type: kind.typeName, key: key)
            if let difference = header.difference(from: wanted) {
                throw .journal(path, .other(difference), merges: true)
            }
            let whole: GatheredResults
            if let merged {
                whole = merged
            } else {
                whole = try GatheredResults(count: header.total, stride: stride, of: type, isCoded: kind.isCoded)
                merged = whole
            }
            var other: Int?
            try reading(path) { () throws(JournalReader.Refusal) in
                unsafe try reader.results { items, bytes throws(SystemError) in
                    let start = header.part.lowerBound
                    let items = start + items.lowerBound..<start + items.upperBound
                    let goesOn = found.last?.upperBound == items.lowerBound
                    found.append((goesOn ? found.removeLast() : items).lowerBound..<items.upperBound)
                    other = unsafe other ?? whole.add(bytes, at: items, decode)
                }
            }
            if let other { throw .journalsDiffer(path, at: other) }
        }
        guard let merged else { throw .noJournals }
        let missing = gaps(between: found, of: merged.count)
        guard missing.isEmpty else { throw .journalsLack(missing, of: merged.count) }
        return merged
    }

    /// The items that lie in none of the ranges.
    ///
    /// A look at the state of each would take memory for all, of which a damaged file may have any number.
    private static func gaps(between ranges: [Range<Int>], of count: Int) -> [Range<Int>] {
        var gaps: [Range<Int>] = []
        var next = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if next < range.lowerBound { gaps.append(next..<range.lowerBound) }
            next = max(next, range.upperBound)
        }
        if next < count { gaps.append(next..<count) }
        return gaps
    }

    private static func reading<T>(
        _ path: String, _ body: () throws(JournalReader.Refusal) -> T
    ) throws(ForkPool.Failure) -> T {
        do throws(JournalReader.Refusal) { return try body() } catch { throw .journal(path, error, merges: true) }
    }

    /// Places those results of neighbours, or of one item where they are coded, that are not there; returns the first item
    /// that has another one.
    private func add<R>(
        _ bytes: UnsafeRawBufferPointer, at items: Range<Int>, _ decode: ((UnsafeRawBufferPointer) throws -> R)?
    ) -> Int? {
        func isThere(_ item: Int) -> Bool {
            unsafe memory.states[item].load(ordering: .relaxed) != ItemState.unfinished
        }
        func part(_ part: Range<Int>) -> UnsafeRawBufferPointer {
            if kind.isCoded { return unsafe bytes }
            let start = (part.lowerBound - items.lowerBound) * stride
            return unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<start + part.count * stride])
        }
        var next = items.lowerBound
        while next < items.upperBound {
            let (first, areThere) = (next, isThere(next))
            while next < items.upperBound, isThere(next) == areThere { next += 1 }
            if !areThere {
                unsafe place(part(first..<next), at: first..<next)
            } else if let other = (first..<next).first(where: { unsafe !isSame(part($0..<$0 + 1), $0, decode) }) {
                return other
            }
        }
        return nil
    }

    /// Whether an item has this result: with the same bytes, or with others of an equal value.
    private func isSame<R>(
        _ bytes: UnsafeRawBufferPointer, _ item: Int, _ decode: ((UnsafeRawBufferPointer) throws -> R)?
    ) -> Bool {
        let own =
            unsafe kind.isCoded
            ? memory.codedBytes(of: item)
            : UnsafeRawBufferPointer(start: memory.slots + item * stride, count: stride)
        guard let own = unsafe own else { return false }
        if unsafe own.elementsEqual(bytes) { return true }
        func value(_ bytes: UnsafeRawBufferPointer) throws -> R? {
            if kind.isCoded { return unsafe try decode?(bytes) }
            return unsafe withUnsafeTemporaryAllocation(of: R.self, capacity: 1) { copy in
                unsafe UnsafeMutableRawBufferPointer(copy).copyBytes(from: bytes.prefix(MemoryLayout<R>.size))
                return unsafe copy[0]
            }
        }
        guard let one = unsafe try? value(own) as? any Equatable else { return false }
        return unsafe (try? value(bytes)).map { one.isEqual(to: $0) } ?? false
    }
}

extension Equatable {
    fileprivate func isEqual(to other: Any) -> Bool { other as? Self == self }
}
