// SPDX-License-Identifier: Apache-2.0
/// A value that is being encoded: its place in the message, and its container there.
@safe final class EncodingNode: CodingPathNode {
    private enum Contents {
        case nothing
        case value
        case container(WireKind)
    }

    let writer: MessageWriter
    /// The number of the container that the value opened, the offset of its head, and its place in the stack.
    private(set) var container: UInt32 = 0
    private var head = 0
    private var frame = 0
    /// The number of values in the container.
    private(set) var count = 0
    /// The number of optionals that are known to be around the value.
    var depth = 0

    private(set) var owner: EncodingNode?
    private(set) var step = CodingStep.root
    private var contents = Contents.nothing
    /// The offset of the kind that was written for the value already, behind its key; nil if none was.
    private var seat: Int?
    private var isUsed = false
    /// The nodes that this one owns: it must not take another place while there are any.
    private(set) var children = 0

    init(writer: MessageWriter) {
        self.writer = writer
    }

    deinit {
        guard isUsed else { return }
        owner?.children -= 1
        unsafe writer.state.pointee.nodes -= 1
    }

    func occupy(in owner: EncodingNode?, step: CodingStep) {
        owner?.children += 1
        self.owner = owner
        self.step = step
        isUsed = true
    }

    /// Gives the place up, so that the node can take another one.
    func vacate() {
        owner?.children -= 1
        owner = nil
        step = .root
        contents = .nothing
        container = 0
        frame = 0
        count = 0
        depth = 0
        seat = nil
        isUsed = false
    }
}

extension EncodingNode {
    /// Writes for a value that has written nothing.
    func finish() throws {
        guard case .nothing = contents else { return }
        try sit(for: WireKind.empty)
        contents = .value
        try writer.put(kind: .empty)
    }

    /// Opens the value's container unless it is open; a failure stays in the writer, because no caller can throw.
    func open(_ kind: WireKind) {
        switch contents {
        case .nothing:
            // The place stays taken even without space, so that the first failure is the one that is reported.
            contents = .container(kind)
            if (try? sit(for: kind)) != nil, let opened = try? writer.open(kind) {
                (container, frame) = opened
                head = unsafe writer.state.pointee.count - ContainerHead.size
            }
        case .container(kind):
            break
        case .value, .container:
            writer.fail(doubleUse(of: kind))
        }
    }

    /// Makes the value's container the one that is written to, and counts one more value of it.
    @inline(__always)
    func enter() throws {
        if !writer.isInnermost(container) { frame = try writer.reenter(container, head, frame) }
        let state = unsafe writer.state
        unsafe state.pointee.frames[state.pointee.top].count &+= 1
        count &+= 1
    }

    /// Makes the value's keyed container the one that is written to, and writes a key.
    @inline(__always)
    func enter<Key: CodingKey>(_ key: Key, _ table: KeyTable?) throws {
        try enter()
        let state = unsafe writer.state
        guard let table, let text = unsafe table.text(of: key) else {
            unsafe state.pointee.frames[state.pointee.top].isAgain = true
            return try writer.put(key: key.stringValue)
        }
        let top = unsafe state.pointee.frames + state.pointee.top
        let isOther = unsafe top.pointee.table != table.identity && top.pointee.table != 0
        if unsafe isOther || top.pointee.keys & text.pointee.bit != 0 { unsafe top.pointee.isAgain = true }
        unsafe top.pointee.table = table.identity
        unsafe top.pointee.keys |= text.pointee.bit
        unsafe try writer.put(key: text)
    }

    /// Makes a node for a value of this one's container.
    func child(_ step: CodingStep) -> ValueEncoder {
        writer.makeEncoder(in: self, step: step)
    }

    /// Makes a node for the value that comes next in this one's container, behind its key if it has one.
    func nextChild(_ step: CodingStep) throws -> ValueEncoder {
        let encoder = child(step)
        encoder.node.seat = unsafe writer.state.pointee.count
        try writer.put(kind: .empty)
        return encoder
    }

    /// Encodes the value that comes next in the container, behind its key if it has one.
    @inline(__always)
    func encodeNext<T: Encodable>(_ value: T, depth: Int = 0, step: @autoclosure () -> CodingStep) throws {
        if case .leaf(let put) = unsafe EncodingRoute.of(T.self).pointee {
            return unsafe try withUnsafePointer(to: value) { unsafe try put($0, writer) }
        }
        let encoder = try nextChild(step())
        encoder.node.depth = depth
        try encoder.encode(value)
        if !writer.isInnermost(container) { frame = try writer.reenter(container, head, frame) }
        writer.recycle(encoder)
    }

    /// Takes the node's own place; throws if something was written there before.
    func claim(for value: @autoclosure () -> Any) throws {
        guard case .nothing = contents else { throw writer.fail(doubleUse(of: value())) }
        contents = .value
        try sit(for: value())
    }

    /// Goes to where the value's kind belongs; `value` is what comes there, for an error.
    private func sit(for value: @autoclosure () -> Any) throws {
        let state = unsafe writer.state
        if let seat, unsafe state.pointee.count == seat + 1, unsafe !state.pointee.failed {
            unsafe state.pointee.count = seat
            return
        }
        guard let owner else { return _ = try writer.reenter(0, 0, 0) }
        // The value comes late: under its key again, or into what kept its place.
        if let name = step.name {
            try owner.enter()
            unsafe state.pointee.frames[state.pointee.top].isAgain = true
            return try writer.put(key: name)
        }
        guard seat == nil else { throw writer.fail(late(value())) }
        try owner.enter()
    }

    private func doubleUse(of value: Any) -> EncodingError {
        invalid(value, "One place was written twice, or as two kinds of container.")
    }

    private func late(_ value: Any) -> EncodingError {
        invalid(value, "A value was written after the next one of its container.")
    }

    private func invalid(_ value: Any, _ text: String) -> EncodingError {
        .invalidValue(value, .init(codingPath: codingPath, debugDescription: text))
    }
}
