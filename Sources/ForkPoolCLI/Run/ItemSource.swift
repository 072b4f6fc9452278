import Glibc

/// Where items come from: lists that the command line holds, or bytes that are read as they come.
final class ItemSource {
    /// How many items, and bytes of items, are read ahead of the jobs.
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
    private var buffer: [UInt8] = []
    /// Whether nothing more is to be read.
    private(set) var isWhole: Bool
    /// Whether the last item had no separator behind it.
    private(set) var endedWithin = false
    /// How many items were found so far, those that were taken included.
    private(set) var found: Int

    /// Makes a source of every combination of one value from each list, the last list's turning fastest.
    ///
    /// - Parameter lists: The lists, at least one.
    init(lists: [[[UInt8]]]) {
        self.lists = lists
        combinations = Self.combinations(of: lists) ?? 0
        (descriptor, separator, isWhole, found) = (-1, 0, true, combinations)
    }

    /// How many combinations lists have, or nil if that is no number any more.
    static func combinations(of lists: [[[UInt8]]]) -> Int? {
        lists.reduce(1 as Int?) { product, list in
            guard let (partial, overflow) = product?.multipliedReportingOverflow(by: list.count), !overflow else {
                return nil
            }
            return partial
        }
    }

    /// Makes a source of what is read, an item between two separators.
    ///
    /// - Parameters:
    ///   - descriptor: Where it is read; it stays open.
    ///   - separator: What ends an item; after the last one it may be missing.
    init(descriptor: Int32, separator: UInt8) {
        (self.descriptor, self.separator, isWhole, found) = (descriptor, separator, false, 0)
        (lists, combinations) = ([], 0)
    }

    /// What is to become readable before there can be more items than there are.
    var awaited: Int32? {
        isWhole || items.count - next >= Self.readAhead || next < items.count && bytes >= Self.bytesAhead
            ? nil : descriptor
    }

    /// The file that is read, if it is one.
    var file: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Whether there never will be another item.
    var isAtEnd: Bool { isWhole && next == items.count && combination == combinations }

    /// Takes the next item.
    ///
    /// - Returns: Its values, or nil if there is none yet, or none at all.
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
            // What was taken is given back from time to time: an endless input needs no more memory.
            if next >= Self.readAhead || next == items.count {
                items.removeFirst(next)
                next = 0
            }
        }
        bytes -= items[next][0].count
        return items[next]
    }

    /// Reads once (`read`): waits if there is nothing to read yet.
    ///
    /// - Throws: The errno of a refusal.
    func read() throws(ReadRefusal) {
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: 1 << 16) }
        let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0 {
            if errno == EAGAIN {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = unsafe poll(&entry, 1, 100)
                return
            }
            if errno == EINTR { return }
            throw ReadRefusal(code: errno)
        }
        guard count > 0 else {
            isWhole = true
            endedWithin = !tail.isEmpty
            if endedWithin { add([]) }
            return
        }
        var rest = buffer[..<count]
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

/// Why items could not be read.
struct ReadRefusal: Error {
    /// The errno.
    let code: Int32
}
