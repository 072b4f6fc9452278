// SPDX-License-Identifier: Apache-2.0
/// How values of one type cross between parent and workers: as bit patterns in slots of their own size, or coded, with slots
/// that hold the extents of the bytes.
@usableFromInline
@safe struct WireFormat<Value>: @unchecked Sendable {
    /// The distance from one slot to the next, in bytes.
    @usableFromInline let stride: Int
    /// What codes the values; nil if they cross as bit patterns.
    @usableFromInline let coder: ValueCoder<Value>?

    @inlinable var isPlain: Bool { coder == nil }
    var kind: ResultKind { ResultKind(type: Value.self, isCoded: !isPlain) }

    private init(stride: Int, coder: ValueCoder<Value>? = nil) {
        self.stride = stride
        self.coder = coder
    }
}

/// How values of one type are coded.
///
/// An object, because each call of a pool keeps the format of its results.
@usableFromInline
@safe final class ValueCoder<Value>: @unchecked Sendable {
    let encode: (Value, BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int
    let decode: (UnsafeRawBufferPointer) throws -> Value
    /// Decodes a value to memory without one, by this library's code alone; returns false if `decode` is to do it.
    ///
    /// Nil for types that may have code of their own.
    let read: ((UnsafeRawBufferPointer, UnsafeMutablePointer<Value>) -> Bool)?

    fileprivate init() where Value: Codable {
        unsafe encode = { value, encoder, memory in unsafe try encoder.encode(value, into: memory) }
        unsafe decode = { bytes in unsafe try BinaryDecoder.decode(Value.self, from: bytes) }
        unsafe read = unsafe BinaryDecoder.recordReader(for: Value.self)
    }
}

extension WireFormat {
    /// Bit patterns, for a type that has no other content, whether or not it says so here.
    @usableFromInline
    static var plain: WireFormat {
        require(
            MemoryLayout<Value>.alignment <= 128, "a type that crosses is aligned to 128 bytes at most")
        return WireFormat(stride: MemoryLayout<Value>.stride)
    }

    /// Bit patterns, as many for each item.
    static func plain(slot count: Int) -> WireFormat { WireFormat(stride: count * MemoryLayout<Value>.stride) }
}

extension WireFormat where Value: Codable {
    /// Bit patterns where the type is nothing but bits, also if it does not say so; else those of the coder.
    @usableFromInline
    static var best: WireFormat { _isPOD(Value.self) ? .plain : .coded }

    @usableFromInline
    static var coded: WireFormat {
        WireFormat(stride: MemoryLayout<Extent>.stride, coder: ValueCoder())
    }

    /// The format of a job's values, whose type is only known to be `Codable`: bit patterns for numbers of the standard
    /// library, else that of the coder.
    static var ofJob: WireFormat { isNumber ? WireFormat(stride: MemoryLayout<Value>.stride) : .coded }
}

extension WireFormat {
    /// Whether the type is a number of the standard library; the compiler knows the answer for each type that it knows.
    @inlinable @inline(__always)
    static var isNumber: Bool {
        isInteger || Value.self == Double.self || Value.self == Float.self || Value.self == Bool.self
    }

    @inlinable @inline(__always)
    static var isInteger: Bool {
        Value.self == Int.self || Value.self == Int8.self || Value.self == Int16.self || Value.self == Int32.self
            || Value.self == Int64.self || Value.self == UInt.self || Value.self == UInt8.self
            || Value.self == UInt16.self || Value.self == UInt32.self || Value.self == UInt64.self
    }
}
