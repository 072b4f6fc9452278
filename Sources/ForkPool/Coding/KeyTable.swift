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

        var utf8: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: bytes + 1, count: length) }
    }

    /// The keys that a table has: as many as there are bits in a set.
    private static let limit = 64
    /// The longest text that 16 bytes hold with its length.
    static let headLength = 15

    /// The addresses of the texts, which are 0 until they are asked for.
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
        unsafe texts = .allocate(capacity: Self.limit)
        for index in 0..<Self.limit { unsafe (texts + index).initialize(to: Atomic(0)) }
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
        let text = name.withUTF8 { utf8 -> UnsafeMutablePointer<Text>? in
            guard utf8.count < WireText.longLength else { return nil }
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
                    length: utf8.count, bytes: bytes, bit: 1 << UInt64(index)))
            return unsafe text
        }
        guard let text = unsafe text else { return nil }
        // A text that comes second is as good as the first.
        unsafe texts[index].store(UInt(bitPattern: text), ordering: .releasing)
        return unsafe UnsafePointer(text)
    }
}

/// How texts of keys begin.
enum WireText {
    /// What stands for the length of a text of at least this many bytes, whose length follows.
    static let longLength = 255
}
