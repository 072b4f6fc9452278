// SPDX-License-Identifier: Apache-2.0
#if Command
import ForkPool
import Glibc

/// The source of items: lists on the command line, or a file or pipe that is read as needed; of a shard, its own items alone.
final class ItemSource {
    /// The most items, and bytes of items, to read before jobs take them.
    private static let readAhead = 1 << 16
    private static let bytesAhead = 1 << 24
    private var bytes = 0
    private var items: [[[UInt8]]] = []
    private var next = 0
    private let lists: [[[UInt8]]]
    private let part: ItemPart?
    private var taken = 0
    private let descriptor: Int32
    private let separator: UInt8
    private var tail: [UInt8] = []
    /// Whether everything was read.
    private(set) var isWhole: Bool
    /// Whether the last item ended without a separator.
    private(set) var endedWithin = false
    /// How many items were found so far, including those already taken and those of other shards.
    private(set) var total: Int
    /// How many of them are this source's.
    private(set) var found: Int

    /// Makes a source of every combination of one value from each list; the last list's value changes fastest.
    ///
    /// - Parameters:
    ///   - lists: The lists, at least one.
    ///   - part: The items to take; nil for all.
    init(lists: [[[UInt8]]], part: ItemPart? = nil) {
        self.lists = lists
        self.part = part
        total = Self.combinations(of: lists) ?? 0
        (descriptor, separator, isWhole, found) = (-1, 0, true, part?.count(of: total) ?? total)
    }

    /// Counts the combinations of lists; nil if the number does not fit in an `Int`.
    static func combinations(of lists: [[[UInt8]]]) -> Int? {
        lists.reduce(1 as Int?) { product, list in
            guard let (partial, overflow) = product?.multipliedReportingOverflow(by: list.count), !overflow else {
                return nil
            }
            return partial
        }
    }

    /// Makes a source that reads items from a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor to read; the source does not close it.
    ///   - separator: The byte that ends an item; optional after the last one.
    ///   - part: The items to take; nil for all.
    init(descriptor: Int32, separator: UInt8, part: ItemPart? = nil) {
        (self.descriptor, self.separator, self.part) = (descriptor, separator, part)
        (isWhole, total, found, lists) = (false, 0, 0, [])
    }

    /// Whether all items must be read before it is known which are to be taken.
    private var isBlock: Bool { part?.split == .blocks }

    /// The descriptor to wait for before the next `read`; nil if nothing is to be read now.
    var awaited: Int32? {
        let isAhead = items.count - next >= Self.readAhead || next < items.count && bytes >= Self.bytesAhead
        return isWhole || isAhead && !isBlock ? nil : descriptor
    }

    /// The file that is read, if it is a regular file.
    var file: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Whether there are no more items.
    var isAtEnd: Bool { isWhole && next == items.count && (lists.isEmpty || taken == found) }

    /// The number, from 1 on among all items, of the one that was taken last.
    var number: Int { (part?.index(at: taken - 1, of: total) ?? taken - 1) + 1 }

    /// Takes the next item.
    ///
    /// - Returns: The item's values; nil if there is no item yet, or no more.
    func take() -> [[UInt8]]? {
        if !lists.isEmpty {
            guard taken < found else { return nil }
            taken += 1
            var rest = number - 1
            var values: [[UInt8]] = []
            for list in lists.reversed() {
                values.append(list[rest % list.count])
                rest /= list.count
            }
            return values.reversed()
        }
        guard next < items.count, isWhole || !isBlock else { return nil }
        taken += 1
        defer {
            next += 1
            // Free the items that were taken, so that memory does not grow with an endless input.
            if next >= Self.readAhead || next == items.count {
                items.removeFirst(next)
                next = 0
            }
        }
        bytes -= items[next][0].count
        return items[next]
    }

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
            if endedWithin { add([]) }
            if isBlock { keepBlock() }
            return
        }
        var rest = buffer[...]
        while let end = rest.firstIndex(of: separator) {
            add(rest[..<end])
            rest = rest[(end + 1)...]
        }
        tail += rest
    }

    private func add(_ end: ArraySlice<UInt8>) {
        defer {
            tail.removeAll()
            total += 1
        }
        if let part, part.split == .strided, !part.takes(total) { return }
        items.append([tail + end])
        bytes += tail.count + end.count
        found += 1
    }

    /// Drops the items of other shards, when all are read.
    private func keepBlock() {
        guard let part else { return }
        items = Array(items[part.shard.range(of: total)])
        found = items.count
    }
}

/// Items that cannot be read.
struct InputError: Error {
    /// The errno.
    let code: Int32
}
#endif
