// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// Remembers something about each type for the life of the process, because dynamic casts are slow and take locks.
///
/// A lookup takes no lock, so a child may use a map that another thread of its parent was just changing. Records are never
/// freed: there are as many as there are types.
@safe final class TypeMap<Record>: @unchecked Sendable {
    private struct Entry {
        let type: ObjectIdentifier
        var record: Record
    }

    /// A hash table of addresses of entries; 0 is a free slot.
    @safe private struct Table {
        let bits: Int
        let slots: UnsafeMutablePointer<Atomic<UInt>>
        let count: UnsafeMutablePointer<Atomic<Int>>
        /// The table before this one, which another thread may still be reading.
        let previous: UnsafeMutablePointer<Table>?

        init(bits: Int, previous: UnsafeMutablePointer<Table>? = nil) {
            self.bits = bits
            unsafe self.previous = unsafe previous
            unsafe slots = .allocate(capacity: 1 << bits)
            for slot in 0..<1 << bits { unsafe (slots + slot).initialize(to: Atomic(0)) }
            unsafe count = .allocate(capacity: 1)
            unsafe count.initialize(to: Atomic(0))
        }

        @inline(__always)
        func firstSlot(of type: ObjectIdentifier) -> Int {
            let hash = UInt(bitPattern: type) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: hash >> UInt(UInt.bitWidth &- bits))
        }

        func deallocate() {
            unsafe slots.deallocate()
            unsafe count.deallocate()
        }

        /// Adds an entry unless one of its type is there; returns the one that is.
        func add(_ entry: UnsafeMutablePointer<Entry>) -> UnsafeMutablePointer<Entry> {
            var slot = firstSlot(of: unsafe entry.pointee.type)
            while true {
                let (isAdded, there) = unsafe slots[slot].compareExchange(
                    expected: 0, desired: UInt(bitPattern: entry), ordering: .acquiringAndReleasing)
                if isAdded {
                    _ = unsafe count.pointee.add(1, ordering: .relaxed)
                    return unsafe entry
                }
                let other = unsafe UnsafeMutablePointer<Entry>(bitPattern: there)!
                if unsafe other.pointee.type == entry.pointee.type { return unsafe other }
                slot = (slot &+ 1) & ((1 << bits) &- 1)
            }
        }

        var isHalfFull: Bool { unsafe count.pointee.load(ordering: .relaxed) >= 1 << (bits - 1) }
    }

    private let table: Atomic<UnsafeMutablePointer<Table>>
    private let recordOffset: Int

    init() {
        let first = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe first.initialize(to: Table(bits: 8))
        unsafe table = Atomic(first)
        recordOffset = MemoryLayout<Entry>.offset(of: \.record)!
    }

    /// Returns the record of a type, which stays where it is; `make` may be called more than once for a type.
    @inline(__always)
    func record(of type: Any.Type, make: () -> Record) -> UnsafeMutablePointer<Record> {
        let identity = ObjectIdentifier(type)
        let table = unsafe self.table.load(ordering: .acquiring)
        let bits = unsafe table.pointee.bits
        var slot = unsafe table.pointee.firstSlot(of: identity)
        while let entry = unsafe UnsafeMutablePointer<Entry>(
            bitPattern: unsafe table.pointee.slots[slot].load(ordering: .acquiring))
        {
            if unsafe entry.pointee.type == identity { return unsafe address(in: entry) }
            slot = (slot &+ 1) & ((1 << bits) &- 1)
        }
        return unsafe add(identity, make())
    }

    @inline(__always)
    private func address(in entry: UnsafeMutablePointer<Entry>) -> UnsafeMutablePointer<Record> {
        unsafe (UnsafeMutableRawPointer(entry) + recordOffset).assumingMemoryBound(to: Record.self)
    }

    @inline(never)
    private func add(_ type: ObjectIdentifier, _ record: Record) -> UnsafeMutablePointer<Record> {
        var table = unsafe self.table.load(ordering: .acquiring)
        if unsafe table.pointee.isHalfFull { unsafe table = grow(table) }
        let entry = UnsafeMutablePointer<Entry>.allocate(capacity: 1)
        unsafe entry.initialize(to: Entry(type: type, record: record))
        let added = unsafe table.pointee.add(entry)
        if unsafe added != entry {
            // Another thread came first.
            unsafe entry.deinitialize(count: 1)
            unsafe entry.deallocate()
        }
        return unsafe address(in: added)
    }

    /// Publishes a table of twice the size; what is added to the old one meanwhile is made again.
    private func grow(_ old: UnsafeMutablePointer<Table>) -> UnsafeMutablePointer<Table> {
        let new = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe new.initialize(to: Table(bits: old.pointee.bits + 1, previous: old))
        for slot in unsafe 0..<1 << old.pointee.bits {
            let address = unsafe old.pointee.slots[slot].load(ordering: .acquiring)
            if let entry = unsafe UnsafeMutablePointer<Entry>(bitPattern: address) { _ = unsafe new.pointee.add(entry) }
        }
        let (isPublished, other) = unsafe table.compareExchange(
            expected: old, desired: new, ordering: .acquiringAndReleasing)
        if isPublished { return unsafe new }
        unsafe new.pointee.deallocate()
        unsafe new.deallocate()
        return unsafe other
    }
}
