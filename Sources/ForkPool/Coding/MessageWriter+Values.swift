// SPDX-License-Identifier: Apache-2.0
extension MessageWriter {
    /// Returns where the next bytes go, which then count as written.
    @inline(__always)
    func advance(_ size: Int) throws -> UnsafeMutableRawPointer {
        let count = unsafe state.pointee.count
        guard unsafe state.pointee.limit &- count >= size, let base = unsafe state.pointee.base else {
            throw overflow()
        }
        unsafe state.pointee.count = count &+ size
        return unsafe base + count
    }

    @inline(__always)
    func put(kind: WireKind) throws {
        unsafe try advance(1).storeBytes(of: kind.rawValue, as: UInt8.self)
    }

    @inline(__always)
    func put<T: BitwiseCopyable>(memoryOf value: T) throws {
        unsafe try advance(MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
    }

    func put(bytes: UnsafeRawBufferPointer) throws {
        let place = unsafe try advance(bytes.count)
        if let source = bytes.baseAddress { unsafe place.copyMemory(from: source, byteCount: bytes.count) }
    }

    /// Appends a record of a kind and a payload of fixed size.
    @inline(__always)
    func put<T: BitwiseCopyable>(_ kind: WireKind, _ payload: T) throws {
        let place = unsafe try advance(1 &+ MemoryLayout<T>.size)
        unsafe place.storeBytes(of: kind.rawValue, as: UInt8.self)
        unsafe (place + 1).storeBytes(of: payload, as: T.self)
    }

    /// Appends an unsigned integer, seven bits in each byte, the lowest first.
    @inline(__always)
    func put(varint: UInt64) throws {
        var rest = varint
        while rest >= 0x80 {
            try put(memoryOf: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        try put(memoryOf: UInt8(truncatingIfNeeded: rest))
    }

    // MARK: - Keys

    /// Appends the text of a key, of which the table has a copy.
    @inline(__always)
    func put(key: UnsafePointer<KeyTable.Text>) throws {
        let length = unsafe key.pointee.length
        let count = unsafe state.pointee.count
        guard length <= KeyTable.headLength, unsafe state.pointee.limit &- count >= 16,
            let base = unsafe state.pointee.base
        else { return unsafe try put(bytes: UnsafeRawBufferPointer(start: key.pointee.bytes, count: length + 1)) }
        // Bytes after the key are overwritten by what follows it.
        unsafe (base + count).storeBytes(of: key.pointee.head.0, as: UInt64.self)
        unsafe (base + count + 8).storeBytes(of: key.pointee.head.1, as: UInt64.self)
        unsafe state.pointee.count = count &+ length &+ 1
    }

    func put(key name: consuming String) throws {
        try name.withUTF8 { utf8 in
            if utf8.count < WireText.longLength {
                try put(memoryOf: UInt8(utf8.count))
            } else {
                try put(memoryOf: UInt8(WireText.longLength))
                try put(memoryOf: UInt64(utf8.count))
            }
            try unsafe put(bytes: UnsafeRawBufferPointer(utf8))
        }
    }

    // MARK: - Records

    /// Appends the `nil` of the innermost of `depth` + 1 optionals.
    func put(nullIn depth: Int) throws {
        guard depth > 0 else { return try put(kind: .null) }
        try put(.deepNull, UInt32(clamping: depth))
    }

    @inline(__always)
    func put(_ value: Bool) throws {
        try put(kind: value ? .yes : .no)
    }

    /// Appends an integer of any width in as few bytes as hold it.
    @inline(__always)
    func put<I: FixedWidthInteger & BitwiseCopyable>(_ value: I) throws {
        if let value = Int64(exactly: value) { return try put(int: value) }
        if let value = UInt64(exactly: value) { return try put(.uint64, value) }
        try put(I.isSigned ? .int128 : .uint128, value)
    }

    @inline(__always)
    private func put(int value: Int64) throws {
        if value == Int64(Int8(truncatingIfNeeded: value)) { return try put(.int8, Int8(truncatingIfNeeded: value)) }
        if value == Int64(Int16(truncatingIfNeeded: value)) { return try put(.int16, Int16(truncatingIfNeeded: value)) }
        if value == Int64(Int32(truncatingIfNeeded: value)) { return try put(.int32, Int32(truncatingIfNeeded: value)) }
        try put(.int64, value)
    }

    /// Appends a number of half, single or double precision, bit for bit.
    @inline(__always)
    func put<F: BinaryFloatingPoint & BitwiseCopyable>(float value: F) throws {
        let size = MemoryLayout<F>.size
        try put(size == 8 ? .float64 : size == 4 ? .float32 : .float16, value)
    }

    @inline(__always)
    func put(_ value: String) throws {
        try put(kind: .string)
        try put(text: value)
    }

    func put(_ strings: [String]) throws {
        try put(kind: .strings)
        try put(varint: UInt64(strings.count))
        for string in strings { try put(text: string) }
    }

    private func put(text value: consuming String) throws {
        try value.withUTF8 { utf8 in
            try put(varint: UInt64(utf8.count))
            try unsafe put(bytes: UnsafeRawBufferPointer(utf8))
        }
    }

    /// Appends the memory of trivial elements as one record; `kind` is that of `WireKind.element(of: type)`.
    func put<Element>(packed bytes: UnsafeRawBufferPointer, of type: Element.Type, kind: WireKind) throws {
        try put(kind: .packed)
        try put(kind: kind)
        let stride = MemoryLayout<Element>.stride
        try put(varint: UInt64(bytes.count / stride))
        if kind == .opaque {
            try put(varint: UInt64(stride))
            try put(varint: UInt64(MemoryLayout<Element>.size))
            try unsafe put(memoryOf: ByteMath.checksum(bytes))
        }
        try unsafe put(bytes: bytes)
    }
}
