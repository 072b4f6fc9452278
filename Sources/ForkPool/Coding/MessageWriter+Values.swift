// SPDX-License-Identifier: Apache-2.0
extension MessageWriter {
    /// Appends the `nil` of the innermost of `depth` + 1 optionals.
    func write(nullIn depth: Int, at place: Place) throws {
        guard depth > 0 else { return try begin(.null, at: place) }
        try begin(.deepNull, at: place)
        try put(varint: UInt64(depth))
    }

    func write(_ value: Bool, at place: Place) throws {
        try begin(value ? .yes : .no, at: place)
    }

    /// Appends an integer of any width: as a varint when it fits into 64 bits and a sign, else as its memory.
    @inline(__always)
    func write<I: FixedWidthInteger & BitwiseCopyable>(integer value: I, at place: Place) throws {
        if value >= 0, I.bitWidth <= 64 || value <= UInt64.max {
            try begin(.positive, at: place)
            try put(varint: UInt64(truncatingIfNeeded: value))
        } else if value < 0, I.bitWidth <= 64 || ~value <= UInt64.max {
            try begin(.negative, at: place)
            try put(varint: UInt64(truncatingIfNeeded: ~value))
        } else {
            try begin(I.isSigned ? .int128 : .uint128, at: place)
            try put(memoryOf: value)
        }
    }

    /// Appends a number of half, single or double precision, bit for bit.
    @inline(__always)
    func write<F: BinaryFloatingPoint & BitwiseCopyable>(float value: F, at place: Place) throws {
        let size = MemoryLayout<F>.size
        try begin(size == 8 ? .float64 : size == 4 ? .float32 : .float16, at: place)
        try put(memoryOf: value)
    }

    func write(_ value: String, at place: Place) throws {
        try begin(.string, at: place)
        try put(string: value)
    }

    func write<S: Collection<String>>(strings: S, at place: Place) throws {
        try begin(.strings, at: place)
        try put(varint: UInt64(strings.count))
        for string in strings { try put(string: string) }
    }

    /// Appends the memory of trivial elements as one record; `kind` is that of `WireKind.element(of: type)`.
    func write<Element>(
        packed bytes: UnsafeRawBufferPointer, of type: Element.Type, kind: WireKind, at place: Place
    ) throws {
        try begin(.packed, at: place)
        try put(byte: kind.rawValue)
        let stride = MemoryLayout<Element>.stride
        try put(varint: UInt64(bytes.count / stride))
        if kind == .opaque {
            try put(varint: UInt64(stride))
            try put(varint: UInt64(MemoryLayout<Element>.size))
            try unsafe put(memoryOf: ByteMath.checksum(bytes))
        }
        try unsafe put(bytes: bytes)
    }

    /// Appends a value of one of the most common types; returns false, and writes nothing, if it is of another type.
    @inline(__always)
    func write<T>(common value: T, at place: @autoclosure () throws -> Place) throws -> Bool {
        @inline(__always)
        func write<S: ScalarCodable>(as scalar: S.Type) throws -> Bool {
            try unsafe unsafeBitCast(value, to: S.self).write(to: self, at: place())
            return true
        }
        if T.self == Int.self { return try write(as: Int.self) }
        if T.self == String.self { return try write(as: String.self) }
        if T.self == Double.self { return try write(as: Double.self) }
        if T.self == Bool.self { return try write(as: Bool.self) }
        if T.self == Float.self { return try write(as: Float.self) }
        if T.self == Int8.self { return try write(as: Int8.self) }
        if T.self == Int16.self { return try write(as: Int16.self) }
        if T.self == Int32.self { return try write(as: Int32.self) }
        if T.self == Int64.self { return try write(as: Int64.self) }
        if T.self == UInt.self { return try write(as: UInt.self) }
        if T.self == UInt8.self { return try write(as: UInt8.self) }
        if T.self == UInt16.self { return try write(as: UInt16.self) }
        if T.self == UInt32.self { return try write(as: UInt32.self) }
        if T.self == UInt64.self { return try write(as: UInt64.self) }
        return false
    }

    private func put(string value: String) throws {
        var value = value
        try value.withUTF8 { bytes in
            try put(varint: UInt64(bytes.count))
            try unsafe put(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}
