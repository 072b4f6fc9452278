// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The source of items: lists on the command line, or a file or pipe that is read as needed.
final class ItemSource {
    /// The most items, and bytes of items, to read before jobs take them.
    private static let readAhead = 1 << 16
    private static let bytesAhead = 1 << 24
    private var bytes = 0
    /// The bytes of the largest item.
    private var largest = 0
    private var items: [[[UInt8]]] = []
    private var next = 0
    private let lists: ItemLists
    private var combination = 0
    private let descriptor: Int32
    private let separator: UInt8
    /// How lines are divided into columns; nil if they are not.
    private let columns: ColumnSeparator?
    private let batch: ItemBatch?
    /// Among how many jobs the rest of the items is divided; nil while each gets as many as fit.
    private var shares: Int?
    private var tail: [UInt8] = []
    /// Whether everything was read.
    private(set) var isWhole: Bool
    /// Whether the last item ended without a separator.
    private(set) var endedWithin = false
    private var foundItems: Int

    /// Makes a source of every combination of one value from each list; the last list's value changes fastest.
    ///
    /// - Parameters:
    ///   - lists: The lists, at least one.
    ///   - batch: How many items each job gets; nil for one.
    init(lists: ItemLists, batch: ItemBatch? = nil) {
        (self.lists, self.batch, columns) = (lists, batch, nil)
        (descriptor, separator, isWhole, foundItems) = (-1, 0, true, lists.combinations ?? 0)
        guard batch != nil else { return }
        // A batch looks at the items that come next.
        while combination < foundItems { add(nextCombination()) }
        combination = foundItems
    }

    /// Makes a source that reads items from a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to read; the source does not close it.
    ///   - separator: The byte that ends an item; optional after the last one.
    ///   - columns: How an item is divided into values; nil if it is not.
    ///   - batch: How many items each job gets; nil for one.
    init(descriptor: Int32, separator: UInt8, columns: ColumnSeparator? = nil, batch: ItemBatch? = nil) {
        (self.descriptor, self.separator, isWhole, foundItems) = (descriptor, separator, false, 0)
        (lists, self.columns, self.batch) = (ItemLists(), columns, batch)
    }

    /// The descriptor to wait for before the next `read`; nil if nothing is to be read now.
    var awaited: Int32? {
        let isFull = batch.map { !$0.needsMore(items: items.count - next, bytes: bytes) } ?? (next < items.count)
        return isWhole || isFull && (items.count - next >= Self.readAhead || bytes >= Self.bytesAhead)
            ? nil : descriptor
    }

    /// The file that is read, if it is a regular file.
    var file: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Whether there are no more items.
    var isAtEnd: Bool { isWhole && next == items.count && (batch != nil || combination == (lists.combinations ?? 0)) }

    /// How many jobs the items make, including those already taken; nil if not known yet.
    var total: Int? {
        guard isWhole else { return nil }
        guard let batch else { return foundItems }
        guard let count = batch.count else { return isAtEnd ? taken : nil }
        // Long items make more jobs than their number says.
        let (size, overflow) = count.multipliedReportingOverflow(by: largest)
        guard bytes <= batch.bytes || !overflow && size <= batch.bytes else { return isAtEnd ? taken : nil }
        let rest = items.count - next
        return taken + rest / count + (rest % count > 0 ? 1 : 0)
    }

    /// How many jobs were taken.
    private(set) var taken = 0

    /// How many items were found so far, including those already taken.
    var found: Int { foundItems }

    /// Takes the values of the next job.
    ///
    /// - Returns: The values; nil if there is no item yet, or no more.
    func take() -> [[UInt8]]? {
        let values = batch == nil ? takeOne() : takeBatch()
        if values != nil { taken += 1 }
        return values
    }

    /// The values of the next item that was read; nil if there is none yet.
    var nextValues: [[UInt8]]? { next < items.count ? items[next] : nil }

    /// Takes the names of the columns, which are no job.
    ///
    /// - Returns: The names; nil if nothing was read yet, or there is nothing.
    func takeHeader() -> [[UInt8]]? {
        guard let names = takeOne() else { return nil }
        foundItems -= 1
        return names
    }

    private func takeOne() -> [[UInt8]]? {
        if batch == nil, combination < lists.combinations ?? 0 {
            defer { combination += 1 }
            return lists[combination]
        }
        guard next < items.count else { return nil }
        defer {
            next += 1
            // Free the items that were taken, so that memory does not grow with an endless input.
            if next >= Self.readAhead || next == items.count {
                items.removeFirst(next)
                next = 0
            }
        }
        bytes -= Self.size(of: items[next])
        return items[next]
    }

    private func takeBatch() -> [[UInt8]]? {
        guard let batch, next < items.count else { return nil }
        guard isWhole || !batch.needsMore(items: items.count - next, bytes: bytes) else { return nil }
        if isWhole, shares == nil, batch.count == nil, bytes <= batch.bytes * batch.jobs { shares = batch.jobs }
        let limit = shares.map { min(batch.bytes, (bytes + $0 - 1) / $0) } ?? batch.bytes
        shares = shares.map { max(1, $0 - 1) }
        var values: [[UInt8]] = []
        var size = 0
        while next < items.count, values.count < batch.count ?? .max {
            size += Self.size(of: items[next])
            // An item that is alone too large gets a job of its own.
            if !values.isEmpty, size > limit { break }
            values += takeOne() ?? []
        }
        return values
    }

    /// What an item takes in a command, about: its bytes, and what the system adds to each word.
    private static func size(of item: [[UInt8]]) -> Int { item.reduce(0) { $0 + $1.count + 9 } }

    /// Reads once (`read`); waits until there is something to read.
    ///
    /// - Throws: `InputError` if the system refuses the read.
    func read() throws(InputError) {
        var code: Int32 = 0
        // Memory that is not zeroed: a page that the items do not fill costs nothing.
        let buffer = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
            let result = unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
            if result < 0 { code = errno } else { count = result }
        }
        if code != 0 {
            if code == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = unsafe poll(&entry, 1, 100)
                return
            }
            if code == EINTR { return }
            throw InputError(code: code)
        }
        guard !buffer.isEmpty else {
            isWhole = true
            endedWithin = !tail.isEmpty
            if endedWithin { addLine([]) }
            return
        }
        var rest = buffer[...]
        while let end = rest.firstIndex(of: separator) {
            addLine(rest[..<end])
            rest = rest[(end + 1)...]
        }
        tail += rest
    }

    private func addLine(_ end: ArraySlice<UInt8>) {
        let line = tail + end
        tail.removeAll()
        foundItems += 1
        add(columns?.values(of: line) ?? [line])
    }

    private func add(_ item: [[UInt8]]) {
        items.append(item)
        let size = Self.size(of: item)
        bytes += size
        largest = max(largest, size)
    }

    private func nextCombination() -> [[UInt8]] {
        defer { combination += 1 }
        return lists[combination]
    }
}

/// Items that cannot be read.
struct InputError: Error {
    /// The errno.
    let code: Int32
}
#endif
