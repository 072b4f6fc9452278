// SPDX-License-Identifier: Apache-2.0
/// A message that is being decoded, and the nodes of its values.
@safe final class Message {
    /// In memory of its own: the fields of an object are checked and counted at each access.
    @safe struct State {
        var reader = unsafe ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        var stack = StackGuard()
        /// The nodes that are in use.
        var nodes = 0
    }

    let state: UnsafeMutablePointer<State>
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) private var spares: ContiguousArray<ValueDecoder> = []

    init() {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
    }

    deinit {
        unsafe state.deallocate()
    }

    /// Takes the bytes of a message, which must stay in place until `close()`.
    func open(_ bytes: UnsafeRawBufferPointer) {
        unsafe state.pointee.reader = unsafe ByteReader(bytes)
        unsafe state.pointee.stack.begin()
    }

    /// Gives the bytes up: a decoder that a value kept finds nothing any more.
    ///
    /// Returns whether there is none.
    func close() -> Bool {
        unsafe state.pointee.reader = unsafe ByteReader(UnsafeRawBufferPointer(start: nil, count: 0))
        return unsafe state.pointee.nodes == 0
    }

    /// Throws if the thread's stack has no room for one more level of values.
    @inline(__always)
    func deepen() throws {
        if unsafe state.pointee.stack.isReached { throw StackGuard.Overflow() }
    }

    func makeDecoder(
        _ position: ByteReader.Position, in owner: DecodingNode?, step: CodingStep
    ) throws -> ValueDecoder {
        try deepen()
        let decoder = unsafe spares.popLast() ?? ValueDecoder(DecodingNode(message: self))
        unsafe state.pointee.nodes += 1
        decoder.node.occupy(position, in: owner, step: step)
        return decoder
    }

    /// Keeps a decoder for later, unless the value's code still holds it.
    func recycle(_ decoder: consuming ValueDecoder) {
        guard isKnownUniquelyReferenced(&decoder), decoder.isFree, unsafe spares.count < 64 else { return }
        decoder.node.vacate()
        unsafe state.pointee.nodes -= 1
        unsafe spares.append(decoder)
    }

    func dropSpares() {
        unsafe spares.removeAll()
    }
}
