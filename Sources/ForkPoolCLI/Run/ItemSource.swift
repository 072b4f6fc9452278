// SPDX-License-Identifier: Apache-2.0
#if Command
import Glibc

/// The source of items: lists on the command line, or a file or pipe that is read as needed.
final class ItemSource {
    /// The most items, and bytes of items, to read before jobs take them.
    private static let readAhead = 1 << 16
    private static let bytesAhead = 1 << 24
    private var bytes = 0
    private var items: [[[UInt8]]] = []
    private var next = 0
    private let lists: [[[UInt8]]]
    private var combination = 0
    private let combinations: Int
    private let descriptor: Int32
    private let separator: UInt8
    private var tail: [UInt8] = []
    /// Whether everything was read.
    private(set) var isWhole: Bool
    /// Whether the last item ended without a separator.
    private(set) var endedWithin = false
    /// How many items were found so far, including those already taken.
    private(set) var found: Int

    /// Makes a source of every combination of one value from each list; the last list's value changes fastest.
    ///
    /// - Parameter lists: The lists, at least one.
    init(lists: [[[UInt8]]]) {
        self.lists = lists
        combinations = Self.combinations(of: lists) ?? 0
        (descriptor, separator, isWhole, found) = (-1, 0, true, combinations)
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
    init(descriptor: Int32, separator: UInt8) {
        (self.descriptor, self.separator, isWhole, found) = (descriptor, separator, false, 0)
        (lists, combinations) = ([], 0)
    }

    /// The descriptor to wait for before the next `read`; nil if nothing is to be read now.
    var awaited: Int32? {
        isWhole || items.count - next >= Self.readAhead || next < items.count && bytes >= Self.bytesAhead
            ? nil : descriptor
    }

    /// The file that is read, if it is a regular file.
    var file: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Whether there are no more items.
    var isAtEnd: Bool { isWhole && next == items.count && combination == combinations }

    /// Takes the next item.
    ///
    /// - Returns: The item's values; nil if there is no item yet, or no more.
    func take() -> [[UInt8]]? {
        if combination < combinations {
            defer { combination += 1 }
            var rest = combination
            var values: [[UInt8]] = []
            for list in lists.reversed() {
                values.append(list[rest % list.count])
                rest /= list.count
            }
            return values.reversed()
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
        items.append([tail + end])
        bytes += tail.count + end.count
        tail.removeAll()
        found += 1
    }
}

/// Items that cannot be read.
struct InputError: Error {
    /// The errno.
    let code: Int32
}
#endif
