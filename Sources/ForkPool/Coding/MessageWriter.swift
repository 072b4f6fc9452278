// SPDX-License-Identifier: Apache-2.0
/// Appends records to a message; all nodes of one encoding share it.
@safe final class MessageWriter {
    struct Place {
        /// The number of the container, and of the container that holds it.
        var container: UInt32
        var parent: UInt32
        /// The key, if the container is keyed.
        var name: String?
    }

    /// The size of the message so far, in bytes.
    private(set) var count = 0
    /// The first error, which makes the message unusable even if the value's own code ignored it.
    private(set) var failure: (any Error)?
    // Unchecked: no method of it calls back, so its accesses never overlap and need no check at run time.
    @exclusivity(unchecked) var routes = RouteCache<EncodingRoute>(slotBits: 8)

    // Unchecked as `routes`.
    @exclusivity(unchecked) private var stack = StackGuard()
    private var memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var limit = 0
    // Unchecked as `routes`.
    @exclusivity(unchecked) private var keys = KeyTable()
    private var newest: UInt32 = 0
    private var current: UInt32 = 0
    private var currentParent: UInt32 = 0
    // Unchecked as `routes`.
    @exclusivity(unchecked) private var spares: ContiguousArray<EncodingNode> = []

    func start(_ memory: UnsafeMutableRawBufferPointer) {
        unsafe self.memory = memory
        limit = memory.count
        count = 0
        failure = nil
        newest = 0
        current = 0
        currentParent = 0
        unsafe stack.begin()
        unsafe keys.reset()
    }

    func finish() throws {
        if newest > 0 { try put(byte: WireKind.end.rawValue) }
    }

    /// Gives the memory up: a node that outlives the call cannot write to it.
    func stop() {
        unsafe memory = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
        limit = 0
        count = 0
    }

    @discardableResult
    func fail(_ error: any Error) -> any Error {
        if failure == nil { failure = error }
        limit = count
        return error
    }

    /// Throws if the thread's stack has no room for one more level of values, or something failed before.
    @inline(__always)
    func deepen() throws {
        if unsafe stack.isReached { fail(StackGuard.Overflow()) }
        if let failure { throw failure }
    }

    func begin(_ kind: WireKind, at place: Place) throws {
        if let failure { throw failure }
        guard var name = place.name else {
            try putTag(kind, place, flag: 0)
            return
        }
        try name.withUTF8 { bytes in
            guard let base = unsafe memory.baseAddress else { throw overflow() }
            switch unsafe keys.refer(to: bytes, base: UnsafeRawPointer(base)) {
            case .predicted:
                try putTag(kind, place, flag: WireKind.predictedKey)
            case .known(let number):
                try putTag(kind, place, flag: 0)
                try put(varint: UInt64(number))
            case .new:
                try putTag(kind, place, flag: 0)
                try put(byte: 0)
                try put(varint: UInt64(bytes.count))
                unsafe keys.placeNewest(at: count)
                try unsafe put(bytes: UnsafeRawBufferPointer(bytes))
            }
        }
    }

    func open(_ kind: WireKind, at place: Place) throws -> UInt32 {
        try begin(kind, at: place)
        guard newest < Message.Container.limit - 1 else { throw overflow() }
        newest &+= 1
        return newest
    }

    private func putTag(_ kind: WireKind, _ place: Place, flag: UInt8) throws {
        let container = place.container
        let hint: ContainerHint =
            if container == current {
                .same
            } else if container == newest {
                .newest
            } else if container == currentParent {
                .parent
            } else {
                .explicit
            }
        try put(byte: kind.rawValue | flag | hint.rawValue << WireKind.hintShift)
        if hint == .explicit { try put(varint: UInt64(container)) }
        current = container
        currentParent = place.parent
    }

    private func overflow() -> any Error {
        unsafe fail(BinaryEncoder.OutOfSpace(capacity: memory.count))
    }

    @inline(__always)
    func put(byte: UInt8) throws {
        guard count < limit else { throw overflow() }
        unsafe memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    /// Appends an unsigned integer, seven bits in each byte, the lowest first.
    @inline(__always)
    func put(varint: UInt64) throws {
        var rest = varint
        while rest >= 0x80 {
            try put(byte: UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        try put(byte: UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    func put<T: BitwiseCopyable>(memoryOf value: T) throws {
        guard limit &- count >= MemoryLayout<T>.size else { throw overflow() }
        unsafe memory.storeBytes(of: value, toByteOffset: count, as: T.self)
        count &+= MemoryLayout<T>.size
    }

    func put(bytes: UnsafeRawBufferPointer) throws {
        guard limit &- count >= bytes.count else { throw overflow() }
        guard let base = unsafe memory.baseAddress, let source = bytes.baseAddress else { return }
        unsafe (base + count).copyMemory(from: source, byteCount: bytes.count)
        count &+= bytes.count
    }

    func makeNode(in owner: EncodingNode?, step: CodingStep, container: UInt32, parent: UInt32) -> EncodingNode {
        // No caller can throw: the failure comes with the next value that is written.
        if unsafe stack.isReached { fail(StackGuard.Overflow()) }
        let node = unsafe spares.popLast() ?? EncodingNode(writer: self)
        node.occupy(in: owner, step: step, container: container, parent: parent)
        return node
    }

    /// Keeps a node for later, unless the value's code still holds it.
    func recycle(_ node: consuming EncodingNode) {
        guard isKnownUniquelyReferenced(&node), unsafe spares.count < 64 else { return }
        node.vacate()
        unsafe spares.append(node)
    }

    func dropSpares() {
        unsafe spares.removeAll()
    }
}
