/// How values of one type cross between parent and workers: as bit patterns in slots of their own size, or coded, with
/// slots that say where the bytes are.
@usableFromInline
@safe struct Crossing<Value>: @unchecked Sendable {
    /// Bytes from one slot to the next.
    @usableFromInline let stride: Int
    private let encode: ((Value, BinaryEncoder, UnsafeMutableRawBufferPointer) throws -> Int)?
    private let decode: ((UnsafeRawBufferPointer) throws -> Value)?

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

extension Crossing where Value: BitwiseCopyable {
    /// Values cross as bit patterns.
    @usableFromInline
    static var plain: Crossing {
        precondition(
            MemoryLayout<Value>.alignment <= 128, "ForkPool: a type that crosses is aligned to 128 bytes at most")
        return unsafe Crossing(stride: MemoryLayout<Value>.stride, encode: nil, decode: nil)
    }
}

extension Crossing where Value: Codable {
    /// Values cross through the binary coder.
    @usableFromInline
    static var coded: Crossing {
        unsafe Crossing(
            stride: MemoryLayout<Extent>.stride,
            encode: { value, encoder, memory in unsafe try encoder.encode(value, into: memory) },
            decode: { bytes in unsafe try BinaryDecoder.decode(Value.self, fromShared: bytes) })
    }
}

extension Crossing where Value: Codable {
    /// How values cross to and from a job, of which is known only that they are `Codable`: numbers of the standard library
    /// as bit patterns, everything else through the coder.
    static var ofJob: Crossing {
        let scalars: [Any.Type] = [
            Int.self, Int8.self, Int16.self, Int32.self, Int64.self, UInt.self, UInt8.self, UInt16.self, UInt32.self,
            UInt64.self, Double.self, Float.self, Bool.self,
        ]
        guard scalars.contains(where: { $0 == Value.self }) else { return .coded }
        return unsafe Crossing(stride: MemoryLayout<Value>.stride, encode: nil, decode: nil)
    }
}

extension Crossing {
    /// Writes an input into a batch that is to be submitted.
    func write(_ value: Value, _ item: Int, into batch: Batch) {
        if let encode = unsafe encode {
            unsafe batch.encode(item) { encoder, memory in unsafe try encode(value, encoder, memory) }
        } else {
            unsafe (batch.inputs + item * stride).assumingMemoryBound(to: Value.self).initialize(to: value)
        }
    }

    /// Reads the results of a batch.
    ///
    /// - Throws: The failure of the lowest index.
    func all(_ outcome: Outcome) throws(ForkPool.Failure) -> [Value] {
        if let decode = unsafe decode { unsafe try outcome.decoded(decode) } else { try outcome.array(of: Value.self) }
    }

    /// Reads every outcome of a batch.
    func results(_ outcome: Outcome) -> [Result<Value, ForkPool.Failure>] {
        guard let decode = unsafe decode else { return outcome.results(of: Value.self) }
        return (0..<outcome.count).map { unsafe outcome.result(of: $0, decode) }
    }

    /// Reads one outcome of a batch.
    func result(_ outcome: Outcome, at item: Int) -> Result<Value, ForkPool.Failure> {
        if let decode = unsafe decode { return unsafe outcome.result(of: item, decode) }
        if let failure = outcome.failure(of: item) { return .failure(failure) }
        return .success(unsafe outcome.memory.slots.load(fromByteOffset: item * stride, as: Value.self))
    }

    /// Reads a result that is there, and how many bytes it has.
    func value(_ memory: ResultMemory, at item: Int) -> (Result<Value, ForkPool.Failure>, size: Int) {
        guard let decode = unsafe decode else {
            return (.success(unsafe memory.slots.load(fromByteOffset: item * stride, as: Value.self)), stride)
        }
        return unsafe memory.decoded(item, decode)
    }
}
