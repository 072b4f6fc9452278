// SPDX-License-Identifier: Apache-2.0
/// Finds keys in one keyed container: at once if they are asked for in order, else by number.
struct KeySearch {
    /// With more entries than this, a table replaces the walk along the list.
    private static let listLimit: UInt32 = 16

    private var isPrepared = false
    private var repeats = false
    private var cursor: UInt32 = 0
    private var table: [UInt32: UInt32]?

    /// Finds the number of the last entry with a key, or 0; the container must be the same in all calls.
    ///
    /// - Complexity: O(*k*) in the length of the key, expected; the first call that is out of order is O(*n*) in the
    ///   number of entries.
    mutating func find(_ name: UnsafeRawBufferPointer, in message: Message, container number: Int) -> UInt32 {
        let container = message.container(number)
        prepare(message, container)
        if !repeats {
            if cursor != 0, unsafe message.isKey(message.entry(cursor).key, name) { return cursor }
            let next = cursor == 0 ? container.first : message.entry(cursor).next
            if next != 0, unsafe message.isKey(message.entry(next).key, name) {
                cursor = next
                return next
            }
        }
        let found: UInt32
        if container.count <= Self.listLimit {
            found = unsafe walk(to: name, message, container)
        } else {
            guard let key = unsafe message.keyNumber(name) else { return 0 }
            found = tableEntry(of: key, message, container)
        }
        if found != 0 { cursor = found }
        return found
    }

    /// Finds the last entry of a short list with a key; 0 if there is none.
    private func walk(to name: UnsafeRawBufferPointer, _ message: Message, _ container: Message.Container) -> UInt32 {
        var (number, found) = (container.first, UInt32(0))
        while number != 0 {
            let entry = message.entry(number)
            if unsafe message.isKey(entry.key, name) { found = number }
            number = entry.next
        }
        return found
    }

    /// Lists the entries of a container; of entries with the same key, only the last.
    mutating func survivors(in message: Message, container number: Int) -> [UInt32] {
        let container = message.container(number)
        prepare(message, container)
        return message.entries(of: container).compactMap { number, entry in
            !repeats || self.entry(of: entry.key, message, container) == number ? number : nil
        }
    }

    private mutating func prepare(_ message: Message, _ container: Message.Container) {
        guard !isPrepared else { return }
        isPrepared = true
        repeats = message.repeatsKeys(container)
    }

    private mutating func entry(of key: UInt32, _ message: Message, _ container: Message.Container) -> UInt32 {
        if container.count > Self.listLimit { return tableEntry(of: key, message, container) }
        var found: UInt32 = 0
        for (number, entry) in message.entries(of: container) where entry.key == key { found = number }
        return found
    }

    private mutating func tableEntry(of key: UInt32, _ message: Message, _ container: Message.Container) -> UInt32 {
        if let table { return table[key] ?? 0 }
        var table: [UInt32: UInt32] = [:]
        table.reserveCapacity(Int(container.count))
        for (number, entry) in message.entries(of: container) { table[entry.key] = number }
        self.table = table
        return table[key] ?? 0
    }
}
