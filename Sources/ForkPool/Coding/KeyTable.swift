// SPDX-License-Identifier: Apache-2.0
internal import Synchronization

/// The texts of the keys of one type whose values are a byte, such as an enum: the same byte is always the same key.
///
/// Asking a key for its text is a call that makes a string; so each is asked once in a process.
@safe struct KeyTable {
    /// A key's text as a message has it: its length and its UTF-8, in memory that is never freed.
    @safe struct Text {
        /// The first 16 bytes, and the bits of them that count.
        var head: (UInt64, UInt64)
        var mask: (UInt64, UInt64)
        /// The number of bytes of the UTF-8.
        var length: Int
        var bytes: UnsafeMutablePointer<UInt8>
        /// The key's bit in a set of keys.
        var bit: UInt64
        /// The address of the text that was added before this one.
        var previous: UInt

        var utf8: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: bytes + 1, count: length) }
    }

    /// The keys that a table has: as many as there are bits in a set.
    private static let limit = 64
    /// The longest text that 16 bytes hold with its length.
    static let headLength = 15

    /// The addresses of the texts by key, which are 0 until they are asked for, and that of the text that was added last.
    private let texts: UnsafeMutablePointer<Atomic<UInt>>
    private let keySize: Int

    private static let tables = TypeMap<KeyTable?>()

    /// Returns the table of a type of keys; nil if its values are no bytes.
    @inline(__always)
    static func of<Key: CodingKey>(_ type: Key.Type) -> KeyTable? {
        unsafe tables.record(of: type) { _isPOD(type) && MemoryLayout<Key>.size <= 1 ? KeyTable(type) : nil }.pointee
    }

    private init<Key>(_ type: Key.Type) {
        keySize = MemoryLayout<Key>.size
        unsafe texts = .allocate(capacity: Self.limit + 1)
        for index in 0...Self.limit { unsafe (texts + index).initialize(to: Atomic(0)) }
    }

    /// What tells this table from others.
    var identity: UInt { unsafe UInt(bitPattern: texts) }

    /// Returns the text of a key; nil if it does not belong into a table.
    @inline(__always)
    func text<Key: CodingKey>(of key: Key) -> UnsafePointer<Text>? {
        let index = unsafe keySize == 0 ? 0 : Int(unsafeBitCast(key, to: UInt8.self))
        guard index < Self.limit else { return nil }
        let address = unsafe texts[index].load(ordering: .acquiring)
        if let text = unsafe UnsafePointer<Text>(bitPattern: address) { return unsafe text }
        return unsafe ask(key, index)
    }

    @inline(never)
    private func ask<Key: CodingKey>(_ key: Key, _ index: Int) -> UnsafePointer<Text>? {
        var name = key.stringValue
        guard let text = name.withUTF8({ unsafe add($0, bit: 1 << UInt64(index)) }) else { return nil }
        unsafe texts[index].store(UInt(bitPattern: text), ordering: .releasing)
        return unsafe text
    }

    /// Adds a text, unless it is there: keys that have the same text share it, and its bit, because they are one key in a message.
    private func add(_ utf8: UnsafeBufferPointer<UInt8>, bit: UInt64) -> UnsafePointer<Text>? {
        guard utf8.count < WireText.longLength else { return nil }
        var last = unsafe texts[Self.limit].load(ordering: .acquiring)
        while true {
            if let there = unsafe find(utf8, from: last) { return unsafe there }
            let text = unsafe Self.make(utf8, bit: bit, previous: last)
            let (isAdded, other) = unsafe texts[Self.limit].compareExchange(
                expected: last, desired: UInt(bitPattern: text), ordering: .acquiringAndReleasing)
            if isAdded { return unsafe UnsafePointer(text) }
            // Another thread came first, perhaps with the same text.
            unsafe text.pointee.bytes.deallocate()
            unsafe text.deallocate()
            last = other
        }
    }

    private func find(_ utf8: UnsafeBufferPointer<UInt8>, from address: UInt) -> UnsafePointer<Text>? {
        var address = address
        while let text = unsafe UnsafePointer<Text>(bitPattern: address) {
            if unsafe text.pointee.utf8.elementsEqual(utf8) { return unsafe text }
            address = unsafe text.pointee.previous
        }
        return nil
    }

    private static func make(
        _ utf8: UnsafeBufferPointer<UInt8>, bit: UInt64, previous: UInt
    ) -> UnsafeMutablePointer<Text> {
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(16, utf8.count + 1))
        unsafe bytes.initialize(repeating: 0, count: max(16, utf8.count + 1))
        unsafe bytes[0] = UInt8(utf8.count)
        for unsafe(place, byte) in unsafe utf8.enumerated() { unsafe bytes[place + 1] = byte }
        let mask = (0..<16).map { $0 <= utf8.count ? UInt8.max : 0 }
        let head = unsafe UnsafeRawPointer(bytes).loadUnaligned(as: (UInt64, UInt64).self)
        let text = UnsafeMutablePointer<Text>.allocate(capacity: 1)
        unsafe text.initialize(
            to: Text(
                head: head, mask: mask.withUnsafeBytes { unsafe $0.loadUnaligned(as: (UInt64, UInt64).self) },
                length: utf8.count, bytes: bytes, bit: bit, previous: previous))
        return unsafe text
    }
}

/// How texts of keys begin.
enum WireText {
    /// What stands for the length of a text of at least this many bytes, whose length follows.
    static let longLength = 255
}
