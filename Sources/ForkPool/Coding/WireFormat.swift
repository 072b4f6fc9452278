/// How values of one type cross between parent and workers: as bit patterns in slots of their own size, or coded, with
/// slots that say where the bytes are.
@usableFromInline
@safe struct WireFormat<Value>: @unchecked Sendable {
    /// Bytes from one slot to the next.
    @usableFromInline let stride: Int
    let encode: ((Value, BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int)?
    let decode: ((UnsafeRawBufferPointer) throws -> Value)?

    private init(
        stride: Int, encode: ((Value, BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int)?,
        decode: ((UnsafeRawBufferPointer) throws -> Value)?
    ) {
        self.stride = stride
        unsafe self.encode = encode
        unsafe self.decode = decode
    }

    /// Whether values are bit patterns.
    @usableFromInline var isPlain: Bool { unsafe encode == nil }
}

extension WireFormat where Value: BitwiseCopyable {
    /// Values cross as bit patterns.
    @usableFromInline
    static var plain: WireFormat {
        precondition(
            MemoryLayout<Value>.alignment <= 128, "ForkPool: a type that crosses is aligned to 128 bytes at most")
        return unsafe WireFormat(stride: MemoryLayout<Value>.stride, encode: nil, decode: nil)
    }
}

extension WireFormat where Value: Codable {
    /// Values cross through the binary coder.
    @usableFromInline
    static var coded: WireFormat {
        unsafe WireFormat(
            stride: MemoryLayout<Extent>.stride,
            encode: { value, encoder, memory in unsafe try encoder.encode(value, into: memory) },
            decode: { bytes in unsafe try BinaryDecoder.decode(Value.self, fromShared: bytes) })
    }
}

extension WireFormat where Value: Codable {
    /// How values cross to and from a job, of which is known only that they are `Codable`: numbers of the standard library
    /// as bit patterns, everything else through the coder.
    static var ofJob: WireFormat {
        let scalars: [Any.Type] = [
            Int.self, Int8.self, Int16.self, Int32.self, Int64.self, UInt.self, UInt8.self, UInt16.self, UInt32.self,
            UInt64.self, Double.self, Float.self, Bool.self,
        ]
        guard scalars.contains(where: { $0 == Value.self }) else { return .coded }
        return unsafe WireFormat(stride: MemoryLayout<Value>.stride, encode: nil, decode: nil)
    }
}
