// SPDX-License-Identifier: Apache-2.0
/// Appends records to a message; all nodes of one encoding share it.
///
/// Containers may be written in turn. The innermost open one is on top of the stack, and a write to one further down closes
/// those above it. A write to a container that was closed goes into a chunk at the end, which `Unweaver` puts into place.
@safe final class MessageWriter {
    /// An open container.
    struct Frame {
        /// The number of the container; 0 for the place of the message's value.
        let number: UInt32
        /// The offset of its head.
        let head: Int
        /// The values that it has so far.
        var count = 0
        /// Its keys so far, and the table that they are of; 0 if there was none.
        var keys: UInt64 = 0
        var table: UInt = 0
        /// Whether a key may be there twice.
        var isAgain = false
    }

    /// In memory of its own: the fields of an object are checked and counted at each access.
    @safe struct State {
        var base: UnsafeMutableRawPointer?
        /// The size of the message so far, and the room for it, in bytes.
        var count = 0
        var limit = 0
        var frames: UnsafeMutablePointer<Frame>
        /// The place of the innermost open container in the stack.
        var top = 0
        var room = 64
        var newest: UInt32 = 0
        var isWoven = false
        var failed = false
        /// The nodes that are in use.
        var nodes = 0
        var stack = StackGuard()
    }

    let state: UnsafeMutablePointer<State>
    /// The first error, which makes the message unusable even if the value's own code ignored it.
    private(set) var failure: (any Error)?
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) private var spares: ContiguousArray<ValueEncoder> = []

    init() {
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State(base: nil, frames: .allocate(capacity: 64)))
    }

    deinit {
        unsafe state.pointee.frames.deallocate()
        unsafe state.deallocate()
    }

    func start(_ memory: UnsafeMutableRawBufferPointer) {
        unsafe state.pointee.base = memory.baseAddress
        unsafe state.pointee.limit = memory.count
        unsafe state.pointee.count = 0
        unsafe state.pointee.top = 0
        unsafe state.pointee.newest = 0
        unsafe state.pointee.isWoven = false
        unsafe state.pointee.failed = false
        unsafe state.pointee.frames[0] = Frame(number: 0, head: 0)
        unsafe state.pointee.stack.begin()
        failure = nil
    }

    /// Ends the message; returns its size in bytes.
    func finish() throws -> Int {
        close(downTo: 0)
        if let failure { throw failure }
        if unsafe state.pointee.count == 0 { try put(kind: .empty) }
        if unsafe state.pointee.isWoven {
            let (base, limit) = unsafe (state.pointee.base!, state.pointee.limit)
            let message = unsafe UnsafeMutableRawBufferPointer(start: base, count: limit)
            unsafe state.pointee.count = try Unweaver.unweave(message, count: state.pointee.count)
        }
        return unsafe state.pointee.count
    }

    /// Gives the memory up.
    ///
    /// Returns whether no node is left that could write to the next message.
    func stop() -> Bool {
        unsafe state.pointee.base = nil
        unsafe state.pointee.limit = 0
        unsafe state.pointee.count = 0
        unsafe state.pointee.failed = true
        // Its value may hold an encoder, which would keep this.
        failure = nil
        return unsafe state.pointee.nodes == 0
    }

    /// Keeps an error, unless one came before it or the message has ended; returns the one that counts.
    @discardableResult
    func fail(_ error: any Error) -> any Error {
        guard unsafe !state.pointee.failed else { return failure ?? error }
        failure = error
        unsafe state.pointee.limit = state.pointee.count
        unsafe state.pointee.failed = true
        return error
    }

    func overflow() -> any Error {
        failure ?? fail(BinaryEncoder.OutOfSpace(capacity: unsafe state.pointee.limit))
    }

    /// Throws if the thread's stack has no room for one more level of values, or something failed before.
    @inline(__always)
    func deepen() throws {
        if unsafe state.pointee.stack.isReached { fail(StackGuard.Overflow()) }
        if unsafe state.pointee.failed { throw overflow() }
    }

    // MARK: - Containers

    /// Opens a container whose record comes next; returns its number and its place in the stack.
    func open(_ kind: WireKind) throws -> (number: UInt32, frame: Int) {
        guard unsafe state.pointee.newest < UInt32.max else { throw overflow() }
        try put(kind: kind)
        let head = unsafe state.pointee.count
        try put(memoryOf: UInt64(0))
        unsafe state.pointee.newest += 1
        return unsafe (state.pointee.newest, push(Frame(number: state.pointee.newest, head: head)))
    }

    private func push(_ frame: Frame) -> Int {
        let top = unsafe state.pointee.top + 1
        if unsafe top == state.pointee.room {
            let frames = UnsafeMutablePointer<Frame>.allocate(capacity: 2 * top)
            unsafe frames.moveInitialize(from: state.pointee.frames, count: top)
            unsafe state.pointee.frames.deallocate()
            unsafe state.pointee.frames = unsafe frames
            unsafe state.pointee.room = 2 * top
        }
        unsafe state.pointee.frames[top] = frame
        unsafe state.pointee.top = top
        return top
    }

    /// Whether a container is the innermost open one.
    @inline(__always)
    func isInnermost(_ number: UInt32) -> Bool {
        unsafe state.pointee.frames[state.pointee.top].number == number
    }

    /// Makes a container the innermost open one: `head` is the offset of its head, and `frame` its place in the stack, of which
    /// the new one is returned.
    @inline(never)
    func reenter(_ number: UInt32, _ head: Int, _ frame: Int) throws -> Int {
        if unsafe state.pointee.failed { throw overflow() }
        if unsafe frame <= state.pointee.top, unsafe state.pointee.frames[frame].number == number {
            close(downTo: frame)
            return frame
        }
        close(downTo: 0)
        unsafe state.pointee.isWoven = true
        try put(kind: .chunk)
        try put(memoryOf: UInt64(head))
        let place = unsafe state.pointee.count
        try put(memoryOf: UInt64(0))
        var chunk = Frame(number: number, head: place)
        chunk.isAgain = true
        return push(chunk)
    }

    /// Closes the containers above a place in the stack: their heads get what is known by now.
    @inline(__always)
    func close(downTo frame: Int) {
        while unsafe state.pointee.top > frame { closeTop() }
    }

    private func closeTop() {
        let frame = unsafe state.pointee.frames[state.pointee.top]
        unsafe state.pointee.top -= 1
        guard unsafe !state.pointee.failed, let base = unsafe state.pointee.base else { return }
        // No caller can throw: the failure comes with the next value that is written, or at the end.
        guard (try? putHead(at: frame.head, count: frame.count)) != nil else { return }
        if frame.isAgain, unsafe base.load(fromByteOffset: frame.head - 1, as: UInt8.self) == WireKind.keyed.rawValue {
            unsafe base.storeBytes(of: WireKind.keyedAgain.rawValue, toByteOffset: frame.head - 1, as: UInt8.self)
        }
    }

    /// Fills the head of a container that ends here.
    func putHead(at offset: Int, count: Int) throws {
        let length = unsafe state.pointee.count - offset - ContainerHead.size
        guard length <= ContainerHead.maxLength, let base = unsafe state.pointee.base else { throw overflow() }
        let bits = ContainerHead(length: length, count: count).bits
        unsafe base.storeBytes(of: bits, toByteOffset: offset, as: UInt64.self)
    }

    // MARK: - Nodes

    func makeEncoder(in owner: EncodingNode?, step: CodingStep) -> ValueEncoder {
        // No caller can throw: the failure comes with the next value that is written.
        if unsafe state.pointee.stack.isReached { fail(StackGuard.Overflow()) }
        let encoder = unsafe spares.popLast() ?? ValueEncoder(EncodingNode(writer: self))
        unsafe state.pointee.nodes += 1
        encoder.node.occupy(in: owner, step: step)
        return encoder
    }

    /// Keeps an encoder for later, unless the value's code still holds it.
    func recycle(_ encoder: consuming ValueEncoder) {
        guard isKnownUniquelyReferenced(&encoder), encoder.isFree, unsafe spares.count < 64 else { return }
        encoder.node.vacate()
        unsafe state.pointee.nodes -= 1
        unsafe spares.append(encoder)
    }

    func dropSpares() {
        unsafe spares.removeAll()
    }
}
