// SPDX-License-Identifier: Apache-2.0
#if Command
/// Lists of items, and every combination of one item from each.
struct ItemLists {
    /// Each list's items; an item of linked lists has several values.
    private var lists: [[[[UInt8]]]] = []

    /// How many lists there are, with linked ones counted singly.
    private(set) var count = 0

    /// Adds a list, which makes combinations with those before it.
    mutating func add(_ items: [[UInt8]]) {
        lists.append(items.map { [$0] })
        count += 1
    }

    /// Links a list to the one before it: their items go together.
    ///
    /// - Returns: Whether both have the same length.
    mutating func link(_ items: [[UInt8]]) -> Bool {
        guard let last = lists.popLast(), last.count == items.count else { return false }
        lists.append(zip(last, items).map { $0 + [$1] })
        count += 1
        return true
    }

    /// How many combinations there are; nil if the number does not fit in an `Int`, 0 without lists.
    var combinations: Int? {
        if lists.isEmpty { return 0 }
        return lists.reduce(1 as Int?) { product, list in
            guard let (partial, overflow) = product?.multipliedReportingOverflow(by: list.count), !overflow else {
                return nil
            }
            return partial
        }
    }

    /// The values of a combination; the last list's item changes fastest.
    subscript(combination: Int) -> [[UInt8]] {
        var rest = combination
        var values: [[[UInt8]]] = []
        for list in lists.reversed() {
            values.append(list[rest % list.count])
            rest /= list.count
        }
        return Array(values.reversed().joined())
    }
}

/// How many items each job gets.
struct ItemBatch: Equatable {
    /// The bytes of items in a command, without an option: what xargs takes, far below what the system allows.
    static let defaultBytes = 128 << 10
    /// How many items; nil for as many as fit.
    var count: Int?
    /// The most bytes of items in a command.
    var bytes = ItemBatch.defaultBytes
    /// How many jobs run at once: the last items are divided among them.
    var jobs = 1

    /// Whether it takes more items, or their end, to know what the next batch is.
    func needsMore(items: Int, bytes: Int) -> Bool {
        if let count { return items < count && bytes <= self.bytes }
        return bytes <= self.bytes * jobs
    }
}

/// What divides a line into columns.
struct ColumnSeparator {
    /// The text between columns; nil for blanks and tabs, any number of them.
    let text: [UInt8]?

    /// Returns the columns of a line.
    func values(of line: [UInt8]) -> [[UInt8]] {
        guard let text, let first = text.first else {
            let values = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            return values.isEmpty ? [[]] : values.map { Array($0) }
        }
        var values: [[UInt8]] = []
        var rest = line[...]
        var value: [UInt8] = []
        while let byte = rest.first {
            if byte == first, rest.starts(with: text) {
                values.append(value)
                value = []
                rest = rest.dropFirst(text.count)
            } else {
                value.append(byte)
                rest.removeFirst()
            }
        }
        return values + [value]
    }
}
#endif
