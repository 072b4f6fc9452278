// SPDX-License-Identifier: Apache-2.0

// How values of a wire format get into a batch and out of it.

extension WireFormat {
    /// Writes an input into a batch that is to be submitted.
    @usableFromInline
    func write(_ value: Value, _ item: Int, into batch: Batch) {
        if let coder {
            unsafe batch.encode(item) { encoder, memory in unsafe try coder.encode(value, encoder, memory) }
        } else {
            unsafe (batch.inputs + item * stride).assumingMemoryBound(to: Value.self).initialize(to: value)
        }
    }

    /// Reads the results of a batch, or throws the failure of the lowest index.
    @usableFromInline
    func all(_ result: MapResult) throws(ForkPool.Failure) -> [Value] {
        guard let coder else { return try result.array(of: Value.self) }
        return unsafe try result.decoded(coder.decode, coder.read)
    }

    @usableFromInline
    func results(_ result: MapResult) -> [Result<Value, ForkPool.Failure>] {
        guard let coder else { return result.results(of: Value.self) }
        return (0..<result.count).map { unsafe result.result(of: $0, coder.decode) }
    }

    /// Reads the result of a batch of one item, which has ended, or throws its failure.
    @inlinable
    func single(_ batch: Batch) throws(ForkPool.Failure) -> Value {
        // Where nothing failed there is nothing to find out.
        if isPlain, batch.isWhole { return unsafe batch.results.slots.load(as: Value.self) }
        return try outcome(of: batch).get()
    }

    @usableFromInline
    func outcome(of batch: Batch) -> Result<Value, ForkPool.Failure> {
        result(batch.result(), at: 0)
    }

    func result(_ result: MapResult, at item: Int) -> Result<Value, ForkPool.Failure> {
        if let coder { return unsafe result.result(of: item, coder.decode) }
        if let failure = result.failure(of: item) { return .failure(failure) }
        return .success(unsafe result.memory.slots.load(fromByteOffset: item * stride, as: Value.self))
    }

    /// The results of some items, which are there and are bit patterns, in shared memory.
    func plainResults(_ items: Range<Int>, of memory: ResultMemory) -> UnsafeBufferPointer<Value> {
        let slots = unsafe memory.slots.assumingMemoryBound(to: Value.self) + items.lowerBound
        return unsafe UnsafeBufferPointer(start: slots, count: items.count)
    }

    /// Reads a result that is there, and how many bytes it has.
    func value(_ memory: ResultMemory, at item: Int) -> (Result<Value, ForkPool.Failure>, size: Int) {
        guard let coder else {
            return (.success(unsafe memory.slots.load(fromByteOffset: item * stride, as: Value.self)), stride)
        }
        return unsafe memory.decoded(item, coder.decode)
    }
}
