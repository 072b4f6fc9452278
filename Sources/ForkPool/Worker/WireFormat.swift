// SPDX-License-Identifier: Apache-2.0
/// How values of one type cross between parent and workers: as bit patterns in slots of their own size, or coded, with slots
/// that hold the extents of the bytes.
@usableFromInline
@safe struct WireFormat<Value>: @unchecked Sendable {
    /// The distance from one slot to the next, in bytes.
    @usableFromInline let stride: Int
    private(set) var encode: ((Value, BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int)?
    private(set) var decode: ((UnsafeRawBufferPointer) throws -> Value)?

    @usableFromInline var isPlain: Bool { unsafe encode == nil }

    private init(stride: Int) {
        self.stride = stride
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
}

extension WireFormat where Value: Codable {
    /// Bit patterns where the type is nothing but bits, also if it does not say so; else those of the coder.
    @usableFromInline
    static var best: WireFormat { _isPOD(Value.self) ? .plain : .coded }

    @usableFromInline
    static var coded: WireFormat {
        var format = WireFormat(stride: MemoryLayout<Extent>.stride)
        unsafe format.encode = { value, encoder, memory in unsafe try encoder.encode(value, into: memory) }
        unsafe format.decode = { bytes in unsafe try BinaryDecoder.decode(Value.self, from: bytes) }
        return format
    }

    /// The format of a job's values, whose type is only known to be `Codable`: bit patterns for numbers of the standard
    /// library, else that of the coder.
    static var ofJob: WireFormat {
        let scalars: [Any.Type] = [
            Int.self, Int8.self, Int16.self, Int32.self, Int64.self, UInt.self, UInt8.self, UInt16.self, UInt32.self,
            UInt64.self, Double.self, Float.self, Bool.self,
        ]
        return scalars.contains { $0 == Value.self } ? WireFormat(stride: MemoryLayout<Value>.stride) : .coded
    }
}
